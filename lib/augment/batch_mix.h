#pragma once

#include <cstdint>
#include <optional>

#include "image/image_view.h"
#include "options/augmentation_options.h"

namespace mae {

/// How the images of a batch are mixed with their partners, one draw for all of it: timm's "batch" mode. The
/// partner of image i of n is image n-1-i, so the middle one of an odd batch is its own.
struct BatchMix {
  double share = 1.0;          ///< of the image itself; the partner has the rest. 1: nothing is mixed
  std::optional<CropBox> box;  ///< cutmix: the part that the partner's pixels replace; else they are blended
  bool operator==(const BatchMix&) const = default;
};

/// Draws mixup (Zhang et al. 2018, arXiv:1710.09412) or cutmix (Yun et al. 2019, arXiv:1905.04899): the share
/// from Beta(alpha, alpha); the box of cutmix around a point anywhere, cut at the border, the share corrected
/// to what is left. A function of the arguments alone; safe from any thread.
/// @param first_image the index of the batch's first image in its split: it names the batch within the epoch.
/// @param height, width of the images.
BatchMix DrawBatchMix(const AugmentationOptions& options, uint64_t seed, int64_t epoch, int64_t first_image,
                      int64_t height, int64_t width);

}  // namespace mae
