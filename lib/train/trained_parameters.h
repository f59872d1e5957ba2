#pragma once

#include <torch/torch.h>

#include <vector>

namespace mae {

/// Those of a module that have gradients, in its order, sharing memory.
inline std::vector<torch::Tensor> TrainedParameters(const torch::nn::Module& model) {
  std::vector<torch::Tensor> trained;
  for (const auto& parameter : model.parameters()) {
    if (parameter.requires_grad()) trained.push_back(parameter);
  }
  return trained;
}

}  // namespace mae
