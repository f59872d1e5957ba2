// Where gRPC's core calls back: functions of its headers, whose definitions here come before those that
// other files of a program have. An object of every program that has gRPC, as a library's would not. What the
// library itself sets up to be called back is not replaced.
#include <grpcpp/support/callback_common.h>
#include <grpcpp/support/server_callback.h>

#include <thread>

#include "tests/tsan/hand_over.h"

namespace {

using WithSuccess = grpc::internal::CallbackWithSuccessTag;
using WithStatus = grpc::internal::CallbackWithStatusTag;

void Run(WithSuccess* tag, bool ok);
void Run(WithStatus* tag, bool ok);

// Private members may be named where a template is instantiated.
template <typename Tag, void (Tag::*kRun)(bool)>
struct PrivateRun {
  friend void Run(Tag* tag, bool ok) { (tag->*kRun)(ok); }
};
template struct PrivateRun<WithSuccess, &WithSuccess::Run>;
template struct PrivateRun<WithStatus, &WithStatus::Run>;

template <typename Tag>
void HandOverAndRun(grpc_completion_queue_functor* tag, int ok) {
  mae::HandOverThroughGrpc();
  Run(static_cast<Tag*>(tag), ok != 0);
}

}  // namespace

extern "C" {

void MaeRunWithSuccess(grpc_completion_queue_functor* tag, int ok) asm(
    "_ZN4grpc8internal22CallbackWithSuccessTag9StaticRunEP29grpc_completion_queue_functori");
void MaeRunWithStatus(grpc_completion_queue_functor* tag, int ok) asm(
    "_ZN4grpc8internal21CallbackWithStatusTag9StaticRunEP29grpc_completion_queue_functori");

void MaeRunWithSuccess(grpc_completion_queue_functor* tag, int ok) { HandOverAndRun<WithSuccess>(tag, ok); }
void MaeRunWithStatus(grpc_completion_queue_functor* tag, int ok) { HandOverAndRun<WithStatus>(tag, ok); }
}

// The library has threads of its own for these. So they have here, but such as the sanitizer sees begin.
void grpc::internal::ServerCallbackCall::ScheduleOnDone(bool may_call_at_once) {
  if (may_call_at_once) return CallOnDone();
  std::thread([this] { CallOnDone(); }).detach();
}

void grpc::internal::ServerCallbackCall::CallOnCancel(ServerReactor* reactor) {
  // The library counted this down, unseen, after the handler, whose own count is a release.
  on_cancel_conditions_remaining_.load(std::memory_order_acquire);
  if (reactor->InternalInlineable()) return reactor->OnCancel();
  Ref();  // until it has been called
  std::thread([this, reactor] {
    reactor->OnCancel();
    MaybeDone();
  }).detach();
}
