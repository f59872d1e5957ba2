#include "augment/random_erasing.h"

#include <cmath>

namespace mae {
namespace {

constexpr int kErasingTries = 10;

}  // namespace

std::optional<CropBox> DrawErasedBox(const RandomErasingOptions& options, int64_t height, int64_t width,
                                     CountedSequence& random) {
  if (random.Uniform() >= options.probability) return std::nullopt;
  for (int i = 0; i < kErasingTries; ++i) {
    const double area =
        random.Uniform(options.area_min, options.area_max) * static_cast<double>(height * width);
    const double aspect = std::exp(random.Uniform(std::log(options.ratio_min), std::log(options.ratio_max)));
    const auto high = static_cast<int64_t>(std::nearbyint(std::sqrt(area * aspect)));
    const auto wide = static_cast<int64_t>(std::nearbyint(std::sqrt(area / aspect)));
    if (high < 1 || wide < 1 || high >= height || wide >= width) continue;
    CropBox box{0, 0, high, wide};
    box.top = random.Below(height - high + 1);
    box.left = random.Below(width - wide + 1);
    return box;
  }
  return std::nullopt;
}

void FillWithNoise(const CropBox& box, int64_t channels, int64_t height, int64_t width,
                   CountedSequence& random, float* planes) {
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = box.top; y < box.top + box.height; ++y) {
      float* const row = planes + (c * height + y) * width + box.left;
      for (int64_t x = 0; x < box.width; ++x) row[x] = static_cast<float>(random.Normal());
    }
  }
}

}  // namespace mae
