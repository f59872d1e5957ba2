#include "models/reconstruction_loss.h"

namespace mae {

PatchStatistics StatisticsOf(const torch::Tensor& patches) {
  const auto values = patches.to(torch::kFloat32);
  return {values.mean(-1, /*keepdim=*/true),
          (values.var(/*dim=*/at::IntArrayRef{-1}, /*unbiased=*/true, /*keepdim=*/true) + 1e-6).sqrt()};
}

torch::Tensor ReconstructionErrors(const torch::Tensor& pred, const torch::Tensor& patches, bool norm_pix) {
  auto target = patches.to(torch::kFloat32);
  if (norm_pix) {
    const auto statistics = StatisticsOf(target);
    target = (target - statistics.mean) / statistics.std_dev;
  }
  return (pred.to(torch::kFloat32) - target).square().mean(-1);
}

torch::Tensor ReconstructionLoss(const torch::Tensor& pred, const torch::Tensor& patches,
                                 const torch::Tensor& mask, bool norm_pix) {
  return (ReconstructionErrors(pred, patches, norm_pix) * mask).sum() / mask.sum();
}

}  // namespace mae
