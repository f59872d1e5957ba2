#include "runtime/late_values.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <utility>

namespace mae {

void LateValues::Ask(int64_t step, const torch::Tensor& scalar) {
  const auto device = scalar.device();
  const bool on_device = !device.is_cpu();
  Asked asked{step,
              torch::empty(scalar.sizes(), torch::TensorOptions(torch::kFloat32).pinned_memory(on_device)),
              c10::Event(device.type())};
  asked.host.copy_(scalar.detach(), /*non_blocking=*/true);
  if (on_device) {
    asked.arrival.record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  }
  asked_.push_back(std::move(asked));
}

std::vector<LateValues::Value> LateValues::Take(size_t remaining) {
  std::vector<Value> values;
  while (asked_.size() > remaining) {
    Asked& first = asked_.front();
    if (first.arrival.was_marked_for_recording()) first.arrival.synchronize();
    values.push_back({first.step, first.host.item<float>()});
    asked_.pop_front();
  }
  return values;
}

}  // namespace mae
