#pragma once

#include <grpcpp/support/server_interceptor.h>

#include "server/metrics.h"

namespace mae {

/// Makes the interceptor that tells `Metrics` and the log of every call of every service as its status is
/// sent, with its message and the request id, or as it breaks without one (CANCELLED). The line is a warning
/// where the fault is the server's (INTERNAL, UNKNOWN, DATA_LOSS), else of level debug. Thread-safe; the
/// metrics outlive the gRPC server.
class MetricsInterceptorFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit MetricsInterceptorFactory(Metrics& metrics) : metrics_(metrics) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override;

 private:
  Metrics& metrics_;
};

}  // namespace mae
