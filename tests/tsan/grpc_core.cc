// gRPC's core is not instrumented, and its queues are without locks: these definitions come before the
// library's.
#include <grpc/grpc.h>
#include <sys/wait.h>

#include "tests/tsan/hand_over.h"

namespace {

char everything = 0;

// A call of the library that hands over in both directions.
template <typename Function, typename... Arguments>
auto Through(Function* next, Arguments... arguments) {
  mae::HandOverThroughGrpc();
  const auto result = next(arguments...);
  __tsan_acquire(&everything);
  return result;
}

}  // namespace

void mae::HandOverThroughGrpc() {
  __tsan_release(&everything);
  __tsan_acquire(&everything);
}

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                      void* reserved) {
  static auto* const next = mae::NextDefinition<decltype(grpc_call_start_batch)>("grpc_call_start_batch");
  return Through(next, call, ops, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline, void* reserved) {
  static auto* const next =
      mae::NextDefinition<decltype(grpc_completion_queue_next)>("grpc_completion_queue_next");
  return Through(next, queue, deadline, reserved);
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag, gpr_timespec deadline,
                                       void* reserved) {
  static auto* const next =
      mae::NextDefinition<decltype(grpc_completion_queue_pluck)>("grpc_completion_queue_pluck");
  return Through(next, queue, tag, deadline, reserved);
}

// The first that a callback's method does, and the last.
void grpc_call_ref(grpc_call* call) {
  static auto* const next = mae::NextDefinition<decltype(grpc_call_ref)>("grpc_call_ref");
  next(call);
  mae::HandOverThroughGrpc();
}

void grpc_call_unref(grpc_call* call) {
  static auto* const next = mae::NextDefinition<decltype(grpc_call_unref)>("grpc_call_unref");
  mae::HandOverThroughGrpc();
  next(call);
  __tsan_acquire(&everything);
}

// A client of another process, which has ended: its calls are over. The sanitizer's own waitpid calls this
// one; who waits for anything else is put in order too.
pid_t waitpid(pid_t pid, int* status, int options) {
  static auto* const next = mae::NextDefinition<decltype(waitpid)>("waitpid");
  return Through(next, pid, status, options);
}
