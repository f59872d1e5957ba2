#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "options/model_options.h"

namespace mae {

/// A named size of Vision Transformer with the decoder that pretraining gives it.
struct ModelPreset {
  std::string_view name;
  int64_t patch_size;  ///< at 224 pixels; data of up to 64 pixels a side takes 4
  int64_t embed_dim, depth, num_heads;
  DecoderOptions decoder;
};

/// nano, tiny, small, base, large, huge, in this order.
const std::vector<ModelPreset>& ModelPresets();

/// The preset of that name, or nothing.
std::optional<ModelPreset> FindModelPreset(std::string_view name);

}  // namespace mae
