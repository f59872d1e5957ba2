#include "server/metrics_interceptor.h"

#include <chrono>
#include <string>

#include "absl/time/time.h"

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
    metrics_.RecordCall(service_, method_, code_,
                        absl::FromChrono(std::chrono::steady_clock::now() - start_));
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      code_ = static_cast<absl::StatusCode>(methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  Metrics& metrics_;
  std::string service_, method_;
  absl::StatusCode code_ = absl::StatusCode::kCancelled;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

grpc::experimental::Interceptor* MetricsInterceptorFactory::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* info) {
  return new MetricsInterceptor(metrics_, info->method());
}

}  // namespace mae
