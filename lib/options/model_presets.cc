#include "options/model_presets.h"

namespace mae {

const std::vector<ModelPreset>& ModelPresets() {
  // base, large, huge: He et al. 2022 (decoder 512 x 8 x 16); tiny, small: DeiT (Touvron et al. 2021) widths
  // with decoders in proportion; nano: a model for demonstrations and tests.
  static const std::vector<ModelPreset> presets = {
      {"nano", 16, 128, 6, 4, {64, 2, 4}},       {"tiny", 16, 192, 12, 3, {128, 4, 4}},
      {"small", 16, 384, 12, 6, {256, 4, 8}},    {"base", 16, 768, 12, 12, {512, 8, 16}},
      {"large", 16, 1024, 24, 16, {512, 8, 16}}, {"huge", 14, 1280, 32, 16, {512, 8, 16}},
  };
  return presets;
}

std::optional<ModelPreset> FindModelPreset(std::string_view name) {
  for (const auto& preset : ModelPresets()) {
    if (preset.name == name) return preset;
  }
  return std::nullopt;
}

}  // namespace mae
