#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/work_queue.h"

namespace mae {

/// Runs a unary method on `queue` and finishes the call with ToGrpc of what `body` returns
/// (server/status_to_grpc.h), or of what it throws (base/catch_all.h). A service method is then: check
/// nothing, capture request and response, return RunUnary(…).
///
/// A full queue finishes the call at once with RESOURCE_EXHAUSTED and a RetryInfo; a call that was cancelled
/// or whose deadline has passed when its turn comes is finished without running `body`. `body` is gone when
/// the call is finished, run or not: who waits for that may end what gave it what it holds. What `body`
/// captures by reference (request, response, service) must live until the call ends, as gRPC's own do; the
/// queue must be destroyed before the services and after the gRPC server has shut down.
grpc::ServerUnaryReactor* RunUnary(grpc::CallbackServerContext* context, WorkQueue& queue,
                                   std::function<absl::Status()> body);

/// Finishes a call with ToGrpc of `status`.
grpc::ServerUnaryReactor* FinishUnary(grpc::CallbackServerContext* context, const absl::Status& status);

/// RunUnary of a call that needs a ticket, which is held until `body` has run, or won't. A call without one
/// is finished with its error at once: it takes no place in the queue, and nothing of it is read.
template <typename Ticket>
grpc::ServerUnaryReactor* RunAdmitted(grpc::CallbackServerContext* context, WorkQueue& queue,
                                      absl::StatusOr<Ticket> ticket, std::function<absl::Status()> body) {
  if (!ticket.ok()) return FinishUnary(context, ticket.status());
  return RunUnary(context, queue, [held = *std::move(ticket), body = std::move(body)] { return body(); });
}

}  // namespace mae
