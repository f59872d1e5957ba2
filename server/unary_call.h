#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>

#include "absl/status/status.h"
#include "base/work_queue.h"

namespace mae {

/// Runs a unary method on `queue` and finishes the call with ToGrpc of what `body` returns
/// (server/status_to_grpc.h). A service method is then: check nothing, capture request and response, return
/// RunUnary(…).
///
/// A full queue finishes the call at once with RESOURCE_EXHAUSTED and a RetryInfo; a call that was cancelled
/// or whose deadline has passed when its turn comes is finished without running `body`. What `body` captures
/// by reference (request, response, service) must live until the call ends, as gRPC's own do; the queue must
/// be destroyed before the services and after the gRPC server has shut down.
grpc::ServerUnaryReactor* RunUnary(grpc::CallbackServerContext* context, WorkQueue& queue,
                                   std::function<absl::Status()> body);

}  // namespace mae
