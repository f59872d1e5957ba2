#include "optim/lars.h"

namespace mae {

torch::Tensor Lars::Direction(const torch::Tensor& parameter, double weight_decay) const {
  if (parameter.dim() <= 1) return Sgd::Direction(parameter, weight_decay);
  const auto direction = parameter.grad().add(parameter, weight_decay);
  const auto size = parameter.norm(), length = direction.norm();
  // On the device: to ask whether a norm is 0 would wait for it.
  const auto both = size.gt(0).logical_and(length.gt(0));
  return direction * torch::where(both, trust_ * size / length, torch::ones_like(size));
}

}  // namespace mae
