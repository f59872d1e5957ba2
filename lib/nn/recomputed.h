#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace mae {

/// part(x) as one node of the autograd graph that keeps x alone: the backward pass runs `part` again, under
/// the autocast settings of now, and goes through it (Chen et al. 2016, arXiv:1604.06174).
/// @param part differentiable; the same each time, so that its random draws are made before. Called with
/// autocast's cache off: the copies of weights in it have no graph, or another thread's.
/// @param parameters all that `part` reads besides x and that may need a gradient.
torch::Tensor Recomputed(std::function<torch::Tensor(const torch::Tensor& x)> part, const torch::Tensor& x,
                         const std::vector<torch::Tensor>& parameters);

}  // namespace mae
