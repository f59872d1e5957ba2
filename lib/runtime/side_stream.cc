#include "runtime/side_stream.h"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace mae {
namespace {

c10::Stream PresentStream(const c10::Device& device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

void LetWait(const c10::Stream& waiting, const c10::Stream& for_stream) {
  c10::Event event(for_stream.device_type());
  event.record(for_stream);
  event.block(waiting);
}

}  // namespace

SideStream::SideStream(const torch::Device& device) {
  if (device.is_cpu()) return;
  stream_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
}

void SideStream::RunInTurn(absl::FunctionRef<void()> work) {
  if (!stream_) return work();
  const auto present = PresentStream(stream_->device());
  LetWait(*stream_, present);
  {
    const c10::StreamGuard guard(*stream_);
    work();
  }
  LetWait(present, *stream_);
}

std::vector<torch::Tensor> SideStream::RunAhead(absl::FunctionRef<std::vector<torch::Tensor>()> work) {
  if (!stream_) return work();
  const auto present = PresentStream(stream_->device());
  std::vector<torch::Tensor> results;
  {
    const c10::StreamGuard guard(*stream_);
    results = work();
  }
  LetWait(present, *stream_);
  // Their memory belongs to this stream, which must not take it back before the present one has read it.
  for (const auto& tensor : results) {
    if (tensor.defined() && !tensor.is_cpu()) tensor.record_stream(present);
  }
  return results;
}

}  // namespace mae
