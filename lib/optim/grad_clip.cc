#include "optim/grad_clip.h"

namespace mae {

torch::Tensor GradNorm(const std::vector<torch::Tensor>& gradients) {
  torch::NoGradGuard no_grad;
  if (gradients.empty()) return torch::zeros({});
  const auto norms = at::_foreach_norm(gradients, 2, torch::kFloat32);
  return torch::linalg_vector_norm(torch::stack(norms), 2);
}

torch::Tensor ClipScale(const torch::Tensor& norm, double max_norm) {
  // 1 where nothing is to be clipped: to ask first would wait for the device.
  return max_norm <= 0.0 ? torch::Tensor() : (max_norm / (norm + 1e-6)).clamp_max(1.0);
}

torch::Tensor ClipGradNorm(const std::vector<torch::Tensor>& gradients, double max_norm) {
  const auto norm = GradNorm(gradients);
  if (max_norm <= 0.0 || gradients.empty()) return norm;
  torch::NoGradGuard no_grad;
  at::_foreach_mul_(gradients, ClipScale(norm, max_norm));
  return norm;
}

}  // namespace mae
