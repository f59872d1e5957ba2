#pragma once

#include <torch/torch.h>

#include <filesystem>

#include "absl/status/statusor.h"
#include "checkpoint/safetensors.h"
#include "options/model_card.h"

/// A model on disk: model.safetensors, config.json, card.json in one folder; see docs/formats/model.md.
namespace mae {

/// Parameters and buffers of a module under their official names.
NamedTensors StateOf(const torch::nn::Module& module);

/// Copies tensors into the module's parameters and buffers of the same names.
/// @param allow_missing names that the file need not have.
/// INVALID_ARGUMENT names every missing tensor and every one of another shape (both shapes). Extra tensors in
/// `state` are ignored.
absl::Status LoadState(const NamedTensors& state, torch::nn::Module& module,
                       const std::vector<std::string>& allow_missing = {});

/// Writes the three files durably into `folder` (made if need be); fills card.sha256 and card.parameters.
absl::Status WriteModelFolder(const std::filesystem::path& folder, const torch::nn::Module& module,
                              const ModelConfig& config, ModelCard card);

/// NOT_FOUND, or INVALID_ARGUMENT from the file at fault.
absl::StatusOr<ModelConfig> ReadModelConfig(const std::filesystem::path& folder);

}  // namespace mae
