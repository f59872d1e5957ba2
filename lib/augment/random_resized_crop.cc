#include "augment/random_resized_crop.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace mae {
namespace {

constexpr int kCropTries = 10;

std::optional<CropBox> TryCropBox(const RandomResizedCropOptions& options, int64_t height, int64_t width,
                                  CountedSequence& random) {
  const double area =
      random.Uniform(options.scale_min, options.scale_max) * static_cast<double>(height * width);
  const double aspect = std::exp(random.Uniform(std::log(options.ratio_min), std::log(options.ratio_max)));
  const auto wide = static_cast<int64_t>(std::nearbyint(std::sqrt(area * aspect)));
  const auto high = static_cast<int64_t>(std::nearbyint(std::sqrt(area / aspect)));
  if (wide < 1 || high < 1 || wide > width || high > height) return std::nullopt;
  CropBox box{0, 0, high, wide};
  box.top = random.Below(height - high + 1);
  box.left = random.Below(width - wide + 1);
  return box;
}

CropBox CentralCropBox(const RandomResizedCropOptions& options, int64_t height, int64_t width) {
  const double aspect = static_cast<double>(width) / static_cast<double>(height);
  CropBox box{0, 0, height, width};
  if (aspect < options.ratio_min) {
    box.height = static_cast<int64_t>(std::nearbyint(static_cast<double>(width) / options.ratio_min));
  } else if (aspect > options.ratio_max) {
    box.width = static_cast<int64_t>(std::nearbyint(static_cast<double>(height) * options.ratio_max));
  }
  box.height = std::clamp<int64_t>(box.height, 1, height);
  box.width = std::clamp<int64_t>(box.width, 1, width);
  box.top = (height - box.height) / 2;
  box.left = (width - box.width) / 2;
  return box;
}

}  // namespace

CropBox DrawCropBox(const RandomResizedCropOptions& options, int64_t height, int64_t width,
                    CountedSequence& random) {
  for (int i = 0; i < kCropTries; ++i) {
    if (const auto box = TryCropBox(options, height, width, random)) return *box;
  }
  return CentralCropBox(options, height, width);
}

}  // namespace mae
