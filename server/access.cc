#include "server/access.h"

#include <spdlog/spdlog.h>

#include "base/status_macros.h"
#include "server/caller_interceptor.h"
#include "server/certificate_metrics.h"
#include "server/gate_credentials.h"
#include "server/listen_rules.h"

namespace mae {

absl::StatusOr<std::unique_ptr<Access>> Access::Open(const ServerConfig& config, Metrics& metrics) {
  std::unique_ptr<Access> access(new Access(config));
  if (!config.tls.certificate.empty()) {
    MAE_ASSIGN_OR_RETURN(
        access->certificates_,
        CertificateFiles::Open({config.tls.certificate, config.tls.key, config.tls.client_ca}));
  }
  if (!AsksCallers(config)) return access;
  MAE_ASSIGN_OR_RETURN(access->authenticator_,
                       Authenticator::Open({config.auth.tokens, config.auth.certificates}));
  access->gate_ = std::make_unique<CallGate>(*access->authenticator_, access->limits_, metrics);
  access->running_ = std::make_unique<RunningCalls>(*access->authenticator_);
  return access;
}

void Access::Reload() {
  if (certificates_ != nullptr) certificates_->Reload().IgnoreError();  // It is in the log.
  if (authenticator_ == nullptr) return;
  const absl::Status read = authenticator_->Reload();
  if (read.ok()) {
    spdlog::info("tokens were read again");
    running_->Check();
  } else {
    spdlog::error("{}; the tokens of before stay", read.ToString());
  }
}

std::shared_ptr<grpc::ServerCredentials> Access::GrpcCredentials() {
  if (certificates_ != nullptr) return TlsCredentials(*certificates_, gate_.get());
  return gate_ != nullptr ? LocalCredentials(*gate_) : grpc::InsecureServerCredentials();
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> Access::Interceptors(AuditLog& log) {
  return std::make_unique<CallerInterceptorFactory>(authenticator_.get(), running_.get(), limits_, log);
}

std::shared_ptr<prometheus::Collectable> Access::CertificateSeries() const {
  return certificates_ == nullptr ? nullptr : std::make_shared<CertificateMetrics>(certificates_);
}

}  // namespace mae
