#pragma once

#include <grpcpp/support/server_interceptor.h>

#include "server/audit_log.h"
#include "server/authenticator.h"
#include "server/caller_limits.h"
#include "server/running_calls.h"

namespace mae {

/// Makes the interceptor of calls that have been let in: it counts what each caller has under way, has them
/// in RunningCalls, and writes the line of audit.log as a call ends that the table of rpc_roles has there.
/// Thread-safe; what it is given outlives the gRPC server.
class CallerInterceptorFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  /// @param authenticator null: the server asks nobody; so is `running` then, and only then.
  CallerInterceptorFactory(const Authenticator* authenticator, RunningCalls* running, CallerLimits& limits,
                           AuditLog& log)
      : authenticator_(authenticator), running_(running), limits_(limits), log_(log) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override;

 private:
  const Authenticator* const authenticator_;
  RunningCalls* const running_;
  CallerLimits& limits_;
  AuditLog& log_;
};

}  // namespace mae
