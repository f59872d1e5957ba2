#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/server_interceptor.h>
#include <prometheus/collectable.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/audit_log.h"
#include "server/authenticator.h"
#include "server/call_gate.h"
#include "server/caller_limits.h"
#include "server/certificate_files.h"
#include "server/metrics.h"
#include "server/running_calls.h"
#include "server/server_config.h"

namespace mae {

/// Who may come in, of one server: its tokens, certificates, limits and the gate that they make. Thread-safe.
class Access {
 public:
  /// Reads tokens and certificates. The errors of Authenticator and CertificateFiles: none of them is got
  /// over, since a server without what was asked for would be open. `metrics` outlives it.
  static absl::StatusOr<std::unique_ptr<Access>> Open(const ServerConfig& config, Metrics& metrics);

  /// Reads tokens and certificates again, and ends calls under way whose token is no more. What can't be used
  /// is told in the log, and what was there stays. Blocks on the disk.
  void Reload();

  /// For the gRPC port, which ends before this does.
  std::shared_ptr<grpc::ServerCredentials> GrpcCredentials();

  /// Of calls that were let in. `log` outlives the gRPC server.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> Interceptors(AuditLog& log);

  /// mae_certificate_expiry_timestamp_seconds; null without TLS.
  std::shared_ptr<prometheus::Collectable> CertificateSeries() const;

  /// Null: nobody is asked.
  const CallGate* gate() const { return gate_.get(); }

 private:
  explicit Access(const ServerConfig& config)
      : limits_({config.auth.max_calls_per_second, config.auth.max_concurrent_calls}) {}

  CallerLimits limits_;
  std::shared_ptr<CertificateFiles> certificates_;  // null: no TLS
  std::unique_ptr<Authenticator> authenticator_;    // null: nobody is asked
  std::unique_ptr<CallGate> gate_;                  // likewise
  std::unique_ptr<RunningCalls> running_;           // likewise
};

}  // namespace mae
