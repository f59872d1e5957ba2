#pragma once

#include <torch/torch.h>

#include <vector>

/// The global norm of gradients, and clipping by it (Pascanu et al. 2013, arXiv:1211.5063). Neither waits for
/// the device: the norm comes back as a tensor, to be read when it is logged.
namespace mae {

/// The L2 norm over all gradients as one vector, summed in float32.
/// @param gradients all on one device, any floating type.
/// @return float32 scalar on that device; 0 for no gradients. Not finite if any gradient is not.
torch::Tensor GradNorm(const std::vector<torch::Tensor>& gradients);

/// What clips gradients of that norm: min(1, max_norm / (norm + 1e-6)), on its device, for Optimizer::Step.
/// @param max_norm 0: undefined, there is nothing to scale.
torch::Tensor ClipScale(const torch::Tensor& norm, double max_norm);

/// Scales all gradients in place by min(1, max_norm / (norm + 1e-6)).
/// @param max_norm 0: leave them as they are.
/// @return GradNorm before scaling. If it is not finite the gradients are useless afterwards, as they were
/// before.
torch::Tensor ClipGradNorm(const std::vector<torch::Tensor>& gradients, double max_norm);

}  // namespace mae
