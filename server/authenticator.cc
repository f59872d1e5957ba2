#include "server/authenticator.h"

#include <spdlog/spdlog.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "server/secret_file.h"

namespace mae {
namespace {

constexpr char kTokensSetting[] = "auth.tokens";
constexpr absl::string_view kBearerScheme = "bearer ";

absl::Status Unauthenticated() {
  return absl::UnauthenticatedError("the call has no valid token and no certificate with a role");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Open(Settings settings) {
  std::unique_ptr<Authenticator> authenticator(new Authenticator(std::move(settings)));
  if (authenticator->settings_.tokens.empty()) return authenticator;
  MAE_ASSIGN_OR_RETURN(TokenTable table, authenticator->Read());
  if (table.entries().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(kTokensSetting, ": ",
                                                   authenticator->settings_.tokens.string(),
                                                   " has no token; add one (`mae_server make-token`)"));
  }
  authenticator->Take(std::move(table));
  return authenticator;
}

absl::Status Authenticator::Reload() {
  if (settings_.tokens.empty()) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(TokenTable table, Read());
  if (table.entries().empty())
    spdlog::warn("{}: {} has no token now: nobody is let in by one", kTokensSetting,
                 settings_.tokens.string());
  Take(std::move(table));
  return absl::OkStatus();
}

absl::StatusOr<TokenTable> Authenticator::Read() const {
  MAE_ASSIGN_OR_RETURN(const std::string yaml, ReadSecretFile(settings_.tokens, kTokensSetting));
  return TokenTable::Parse(yaml, absl::StrCat(kTokensSetting, ": ", settings_.tokens.string()));
}

void Authenticator::Take(TokenTable table) {
  auto tokens = std::make_shared<const TokenTable>(std::move(table));
  const absl::MutexLock lock(&mutex_);
  tokens_ = std::move(tokens);
}

absl::StatusOr<Caller> Authenticator::Authenticate(const Credentials& credentials) const {
  if (credentials.authorization.empty()) return OfCertificate(credentials.certificate);
  if (credentials.authorization.size() > 1) return Unauthenticated();
  const std::string_view header = credentials.authorization.front();
  const absl::string_view text(header.data(), header.size());
  if (!absl::StartsWithIgnoreCase(text, kBearerScheme)) return Unauthenticated();
  return OfToken(header.substr(kBearerScheme.size()));
}

absl::StatusOr<Caller> Authenticator::OfToken(std::string_view token) const {
  const auto tokens = [this] {
    const absl::MutexLock lock(&mutex_);
    return tokens_;
  }();
  if (auto caller = tokens->Find(token, absl::Now())) return *std::move(caller);
  return Unauthenticated();
}

absl::StatusOr<Caller> Authenticator::OfCertificate(const std::vector<std::string_view>& names) const {
  for (const std::string_view name : names) {
    const auto found = settings_.certificates.find(std::string(name));
    if (found != settings_.certificates.end()) return Caller{found->first, found->second};
  }
  return Unauthenticated();
}

}  // namespace mae
