#include "train/soft_target_loss.h"

namespace mae {

torch::Tensor SmoothedTargets(const torch::Tensor& labels, int64_t classes, double smoothing) {
  const double off = smoothing / static_cast<double>(classes);
  const auto options = torch::TensorOptions(torch::kFloat32).device(labels.device());
  return torch::full({labels.size(0), classes}, off, options)
      .scatter_(1, labels.unsqueeze(1), 1.0 - smoothing + off);
}

torch::Tensor SoftTargetCrossEntropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  TORCH_CHECK(logits.sizes() == targets.sizes(), "logits are ", logits.sizes(), ", but targets ",
              targets.sizes());
  return -(targets * torch::log_softmax(logits.to(torch::kFloat32), 1)).sum(1).mean();
}

}  // namespace mae
