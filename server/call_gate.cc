#include "server/call_gate.h"

#include <spdlog/spdlog.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "server/rpc_roles.h"

namespace mae {
namespace {

constexpr absl::Duration kBetweenLines = absl::Seconds(1);
constexpr size_t kLongestShown = 128;

std::string ShownPath(std::string_view path) {
  return absl::CHexEscape(std::string(path.substr(0, kLongestShown)));
}

absl::Status CheckCallerRole(const Caller& caller, const Roles& roles, std::string_view what) {
  if (roles.Has(caller.role)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(std::string(what), " needs the role ", roles.Words(), "; ",
                                                  caller.identity, " has ",
                                                  std::string(RoleName(caller.role))));
}

}  // namespace

absl::Status CallGate::Check(std::string_view path, const Credentials& credentials) const {
  const absl::Status decided = Decide(path, credentials);
  if (decided.ok()) return decided;
  // Nobody makes new series by names of their own.
  const std::string name = FindRpcRule(path) == nullptr ? "unknown/unknown" : std::string(path.substr(1));
  const size_t slash = name.rfind('/');
  metrics_.CountEnd(name.substr(0, slash), name.substr(slash + 1), decided.code());
  Tell(decided, ShownPath(path));
  return decided;
}

absl::Status CallGate::Decide(std::string_view path, const Credentials& credentials) const {
  const RpcRule* const rule = FindRpcRule(path);
  if (rule != nullptr && rule->is_open) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(const Caller caller, authenticator_.Authenticate(credentials));
  if (rule == nullptr) return absl::UnimplementedError(absl::StrCat("there is no method ", ShownPath(path)));
  MAE_RETURN_IF_ERROR(CheckCallerRole(caller, rule->roles, path.substr(1)));
  return limits_.Admit(caller.identity, absl::Now());
}

absl::Status CallGate::CheckWeb(const Credentials& credentials, std::string_view peer) const {
  const auto caller = authenticator_.Authenticate(credentials);
  const absl::Status decided =
      caller.ok() ? CheckCallerRole(*caller, kWebRoles, "this port") : caller.status();
  if (!decided.ok()) Tell(decided, absl::StrCat("a request of ", std::string(peer), " to the metrics port"));
  return decided;
}

void CallGate::Tell(const absl::Status& refused, const std::string& what) const {
  const absl::Time now = absl::Now();
  int64_t unsaid = 0;
  {
    const absl::MutexLock lock(&mutex_);
    if (now < next_line_) {
      ++unsaid_;
      return;
    }
    next_line_ = now + kBetweenLines;
    unsaid = std::exchange(unsaid_, 0);
  }
  const std::string others = unsaid == 0 ? "" : absl::StrCat(" (and ", unsaid, " more since the last line)");
  spdlog::warn("refused {}: {}{}", what, refused.ToString(), others);
}

}  // namespace mae
