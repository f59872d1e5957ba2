#pragma once

#include <torch/torch.h>

#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "optim/param_groups.h"

/// Named tensors of a checkpoint, and those that they are to fill. Pure but for the tensors that are filled;
/// they share memory with their owner.
namespace mae {

/// An index of the list, which it points into. Of a name that stands twice, the first counts.
std::unordered_map<std::string, const torch::Tensor*> TensorsByName(const NamedParameters& tensors);

/// Copies the tensor of the same name into each of `to`, from any device. Extra tensors are ignored.
/// INVALID_ARGUMENT "WHAT does not fit the model: …" names every one that is missing or of another shape, and
/// nothing changes.
/// @param what "optimizer state", for the message.
absl::Status CopyState(const std::string& what, const NamedParameters& from, const NamedParameters& to);

}  // namespace mae
