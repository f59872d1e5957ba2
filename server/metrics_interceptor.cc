#include "server/metrics_interceptor.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/log_lines.h"
#include "server/request_id.h"

namespace mae {
namespace {

using grpc::experimental::InterceptionHookPoints;

class MetricsInterceptor final : public grpc::experimental::Interceptor {
 public:
  MetricsInterceptor(Metrics& metrics, const std::string& path) : metrics_(metrics) {
    // "/mae.v1.JobService/GetJob"
    const size_t slash = path.rfind('/');
    service_ = path.substr(1, slash - 1);
    method_ = path.substr(slash + 1);
  }
  ~MetricsInterceptor() override {
    const absl::Duration took = absl::FromChrono(std::chrono::steady_clock::now() - start_);
    metrics_.RecordCall(service_, method_, code_, took);
    Log(took);
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA))
      request_id_ = RequestIdOf(*methods->GetRecvInitialMetadata());
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      code_ = static_cast<absl::StatusCode>(status.error_code());
      message_ = absl::Utf8SafeCEscape(status.error_message());
    }
    methods->Proceed();
  }

 private:
  void Log(absl::Duration took) const {
    const bool own_fault = code_ == absl::StatusCode::kInternal || code_ == absl::StatusCode::kUnknown ||
                           code_ == absl::StatusCode::kDataLoss;
    const auto level = own_fault ? spdlog::level::warn : spdlog::level::debug;
    if (!spdlog::should_log(level)) return;
    const std::string code = absl::StatusCodeToString(code_);
    const std::string milliseconds = absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(took));
    const LogScope scope{{"request_id", request_id_},
                         {"grpc_service", service_},
                         {"grpc_method", method_},
                         {"grpc_code", code},
                         {"milliseconds", milliseconds}};
    spdlog::log(level, "{}/{}: {} after {} ms{}{}", service_, method_, code, milliseconds,
                message_.empty() ? "" : ": " + message_,
                request_id_.empty() ? "" : ", request_id " + request_id_);
  }

  Metrics& metrics_;
  std::string service_, method_, request_id_, message_;
  absl::StatusCode code_ = absl::StatusCode::kCancelled;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

grpc::experimental::Interceptor* MetricsInterceptorFactory::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* info) {
  return new MetricsInterceptor(metrics_, info->method());
}

}  // namespace mae
