#include "server/running_calls.h"

#include <atomic>
#include <utility>

namespace mae {

struct RunningCalls::Call {
  Call(const RpcRule& rule_of_it, const Credentials& shown, grpc_call* of_grpc)
      : rule(rule_of_it),
        authorization(shown.authorization.begin(), shown.authorization.end()),
        certificate(shown.certificate.begin(), shown.certificate.end()),
        call(of_grpc) {
    grpc_call_ref(call);
  }
  ~Call() { grpc_call_unref(call); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const RpcRule& rule;
  const std::vector<std::string> authorization, certificate;
  grpc_call* const call;
  mutable std::atomic<absl::StatusCode> ended_with = absl::StatusCode::kOk;
};

RunningCalls::RunningCalls(const Authenticator& authenticator, absl::Duration between_checks)
    : authenticator_(authenticator) {
  grpc_init();  // It may hold the last reference to a call for a moment after the server has gone.
  thread_ = JoinedThread([this, between_checks] {
    const auto closing = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return closing_; };
    while (true) {
      {
        const absl::MutexLock lock(&mutex_);
        if (mutex_.AwaitWithTimeout(absl::Condition(&closing), between_checks)) return;
      }
      Check();
    }
  });
}

RunningCalls::~RunningCalls() {
  {
    const absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  thread_.Join();
  {
    const absl::MutexLock lock(&mutex_);
    calls_.clear();
  }
  grpc_shutdown();
}

int64_t RunningCalls::Add(const RpcRule& rule, const Credentials& credentials, grpc_call* call) {
  auto added = std::make_shared<const Call>(rule, credentials, call);
  const absl::MutexLock lock(&mutex_);
  calls_.emplace(next_, std::move(added));
  return next_++;
}

absl::StatusCode RunningCalls::Remove(int64_t id) {
  std::shared_ptr<const Call> last;  // let go without the lock
  const absl::MutexLock lock(&mutex_);
  const auto found = calls_.find(id);
  if (found == calls_.end()) return absl::StatusCode::kOk;
  last = std::move(found->second);
  calls_.erase(found);
  return last->ended_with;
}

void RunningCalls::Check() const {
  std::vector<std::shared_ptr<const Call>> calls;
  {
    const absl::MutexLock lock(&mutex_);
    calls.reserve(calls_.size());
    for (const auto& [id, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) EndIfRefused(*call);
}

void RunningCalls::EndIfRefused(const Call& call) const {
  const auto caller = authenticator_.Authenticate({{call.authorization.begin(), call.authorization.end()},
                                                   {call.certificate.begin(), call.certificate.end()}});
  if (caller.ok() && call.rule.roles.Has(caller->role)) return;
  const auto code = caller.ok() ? absl::StatusCode::kPermissionDenied : absl::StatusCode::kUnauthenticated;
  call.ended_with = code;
  grpc_call_cancel_with_status(call.call, static_cast<grpc_status_code>(code),
                               caller.ok()
                                   ? "the role of the call's token is another now, which may not make it"
                                   : "the call's token has expired or was taken away while it was under way",
                               nullptr);
}

}  // namespace mae
