#include "server/caller_interceptor.h"

#include <google/protobuf/message.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/certificate_files.h"
#include "server/request_id.h"
#include "server/resource_of.h"
#include "server/rpc_roles.h"

namespace mae {
namespace {

using grpc::experimental::InterceptionHookPoints;
using CallMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

std::string_view ViewOfRef(const grpc::string_ref& text) { return {text.data(), text.size()}; }

/// @param context of the same call; both outlive what this gives.
Credentials CredentialsOf(const CallMetadata& metadata, const grpc::AuthContext& context) {
  Credentials credentials;
  const auto [begin, end] = metadata.equal_range("authorization");
  for (auto at = begin; at != end; ++at) credentials.authorization.push_back(ViewOfRef(at->second));
  for (const char* property : kCertificateNames) {
    for (const grpc::string_ref& name : context.FindPropertyValues(property))
      credentials.certificate.push_back(ViewOfRef(name));
  }
  return credentials;
}

constexpr char kCancelled[] = "CANCELLED";

// Reads and writes of a stream are told of by several threads.
class CallerInterceptor final : public grpc::experimental::Interceptor {
 public:
  CallerInterceptor(grpc::experimental::ServerRpcInfo& info, const RpcRule& rule,
                    const Authenticator* authenticator, RunningCalls* running, CallerLimits& limits,
                    AuditLog& log)
      : info_(info),
        rule_(rule),
        authenticator_(authenticator),
        running_(running),
        limits_(limits),
        log_(log) {}

  ~CallerInterceptor() override {
    const absl::MutexLock lock(&mutex_);
    if (running_id_) NoteEnd(running_->Remove(*running_id_));
    if (counts_) limits_.End(record_.identity);
    if (!rule_.goes_to_the_log) return;
    record_.time = absl::Now();
    record_.method = rule_.path.substr(1);
    log_.Append(record_);
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    {
      const absl::MutexLock lock(&mutex_);
      Note(*methods);
    }
    methods->Proceed();
  }

 private:
  void Note(grpc::experimental::InterceptorBatchMethods& methods) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto is_at = [&](InterceptionHookPoints point) {
      return methods.QueryInterceptionHookPoint(point);
    };
    if (is_at(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) Begin(*methods.GetRecvInitialMetadata());
    if (!rule_.goes_to_the_log) return;
    if (is_at(InterceptionHookPoints::POST_RECV_MESSAGE)) NoteResource(methods.GetRecvMessage());
    if (is_at(InterceptionHookPoints::PRE_SEND_MESSAGE)) NoteResource(methods.GetSendMessage());
    if (is_at(InterceptionHookPoints::PRE_SEND_STATUS)) {
      record_.code =
          absl::StatusCodeToString(static_cast<absl::StatusCode>(methods.GetSendStatus().error_code()));
    }
  }

  void Begin(const CallMetadata& metadata) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    record_.request_id = RequestIdOf(metadata);
    record_.peer = info_.server_context()->peer();
    if (authenticator_ == nullptr) return;
    const auto context = info_.server_context()->auth_context();
    const Credentials credentials = CredentialsOf(metadata, *context);
    running_id_ = running_->Add(rule_, credentials, info_.server_context()->c_call());
    const auto caller = authenticator_->Authenticate(credentials);
    // Let in a moment ago, and no more known: the tokens were read again, or it expired. It is ended soon.
    record_.identity = "unknown";
    if (!caller.ok()) return;
    record_.identity = caller->identity;
    record_.role = RoleName(caller->role);
    limits_.Begin(record_.identity);
    counts_ = true;
  }

  // Its handler knows only that the call was cancelled. What it had done before stays as it said.
  void NoteEnd(absl::StatusCode ended_with) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_with != absl::StatusCode::kOk && record_.code == kCancelled)
      record_.code = absl::StatusCodeToString(ended_with);
  }

  // Generated messages have google::protobuf::Message as their first and only base.
  void NoteResource(const void* message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (message == nullptr || !record_.resource.empty()) return;
    record_.resource = ResourceOf(*static_cast<const google::protobuf::Message*>(message));
  }

  grpc::experimental::ServerRpcInfo& info_;
  const RpcRule& rule_;
  const Authenticator* const authenticator_;
  RunningCalls* const running_;
  CallerLimits& limits_;
  AuditLog& log_;
  absl::Mutex mutex_;
  AuditRecord record_ ABSL_GUARDED_BY(mutex_){.identity = "anonymous", .code = kCancelled};
  bool counts_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<int64_t> running_id_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::experimental::Interceptor* CallerInterceptorFactory::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* info) {
  const RpcRule* const rule = FindRpcRule(info->method());
  if (rule == nullptr || rule->is_open) return nullptr;
  if (authenticator_ == nullptr && !rule->goes_to_the_log) return nullptr;
  return new CallerInterceptor(*info, *rule, authenticator_, running_, limits_, log_);
}

}  // namespace mae
