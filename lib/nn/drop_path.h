#pragma once

#include <torch/torch.h>

namespace mae {

/// Stochastic depth (Huang et al. 2016, arXiv:1603.09382): while training, drops a residual branch for whole
/// samples with probability `rate` and divides the kept ones by 1 - rate. The identity in eval mode or at 0.
class DropPathImpl : public torch::nn::Module {
 public:
  /// @param rate in [0, 1).
  explicit DropPathImpl(double rate);

  /// What the branch of each sample is multiplied by: float32 [images], 0 or 1 / (1 - rate), drawn from the
  /// default generator of the device; undefined where it is the identity.
  torch::Tensor Scales(int64_t images, const torch::Device& device);

  /// x [B, ...] times those factors. @param scales of this x's images, or undefined.
  static torch::Tensor Scaled(const torch::Tensor& x, const torch::Tensor& scales);

  double rate() const { return rate_; }

 private:
  double rate_;
};
TORCH_MODULE(DropPath);

}  // namespace mae
