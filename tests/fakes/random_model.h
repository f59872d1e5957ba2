#pragma once

#include <cstdint>
#include <filesystem>

#include "options/model_card.h"

/// Small models with random weights, as folders. Torch-free header. Failures to write throw
/// std::runtime_error, so that a test cannot go on without its model.
namespace mae {

/// Images of 8 x 12 in patches of 4 (a grid of 2 x 3), width 16, depth 1; mean 0.25, std 0.5, mask ratio 0.5.
ModelConfig TinyAutoencoder(int64_t channels = 1, bool norm_pix_loss = false);
/// The same encoder with a head of three classes: "cat", "dog", "emu".
ModelConfig TinyClassifier(int64_t channels = 1);

/// model.safetensors, config.json and card.json; the same arguments give the same bytes.
void WriteRandomModel(const std::filesystem::path& folder, const ModelConfig& config,
                      const ModelCard& card = {}, uint64_t seed = 1);

}  // namespace mae
