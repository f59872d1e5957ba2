#include "server/unary_call.h"

#include <chrono>
#include <utility>

#include "base/catch_all.h"
#include "base/log_lines.h"
#include "server/request_id.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr absl::Duration kFullQueueRetryDelay = absl::Seconds(1);

absl::Status RunIfStillWanted(const grpc::CallbackServerContext& context,
                              const std::function<absl::Status()>& body) {
  if (context.IsCancelled()) return absl::CancelledError("the caller has gone");
  if (context.deadline() < std::chrono::system_clock::now()) {
    return absl::DeadlineExceededError(
        "the deadline passed while the call waited for a thread; allow more time");
  }
  return body();
}

}  // namespace

grpc::ServerUnaryReactor* RunUnary(grpc::CallbackServerContext* context, WorkQueue& queue,
                                   std::function<absl::Status()> body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool queued = queue.TryPush([context, reactor, body = std::move(body)]() mutable {
    const LogScope scope{{"request_id", RequestIdOf(context->client_metadata())}};
    const absl::Status status = CatchAll("the call", [&] { return RunIfStillWanted(*context, body); });
    body = nullptr;
    reactor->Finish(ToGrpc(status));
  });
  if (!queued) {
    reactor->Finish(ToGrpc(WithRetryDelay(
        absl::ResourceExhaustedError("the server has as many calls waiting as it allows; try again"),
        kFullQueueRetryDelay)));
  }
  return reactor;
}

grpc::ServerUnaryReactor* FinishUnary(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace mae
