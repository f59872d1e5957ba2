#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "interop/given_names.h"
#include "options/model_card.h"

namespace mae {

using NamedShape = std::pair<std::string, std::vector<int64_t>>;

/// The tensors of the model that MakeModule would make of this config, under their official names, without
/// making it. Linear heads alone. Pure.
std::vector<NamedShape> ShapesOf(const ModelConfig& config);

/// Whether every tensor of the model is there and has its shape. Pure. INVALID_ARGUMENT with the first few
/// that are not: their names in the file, their shapes, and those that they should have.
absl::Status CheckFit(const std::map<std::string, torch::Tensor>& weights, const ModelConfig& config,
                      const GivenNames& names);

}  // namespace mae
