#include "nn/drop_path.h"

namespace mae {

DropPathImpl::DropPathImpl(double rate) : rate_(rate) {
  TORCH_CHECK(rate >= 0.0 && rate < 1.0, "drop_path must be in [0, 1), got ", rate);
}

torch::Tensor DropPathImpl::Scales(int64_t images, const torch::Device& device) {
  if (rate_ == 0.0 || !is_training()) return {};
  const double keep = 1.0 - rate_;
  return torch::empty({images}, torch::TensorOptions(device)).bernoulli_(keep).div_(keep);
}

torch::Tensor DropPathImpl::Scaled(const torch::Tensor& x, const torch::Tensor& scales) {
  if (!scales.defined()) return x;
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  return x * scales.to(x.dtype()).view(shape);
}

}  // namespace mae
