#pragma once

#include <cstdint>

#include "base/counted_sequence.h"
#include "image/image_view.h"
#include "options/augmentation_options.h"

/// Random crops. Pure functions, safe anywhere.
namespace mae {

/// Draws the rectangle that RandomResizedCrop cuts out, in torchvision's way: up to ten tries of an area
/// uniform in the scale and an aspect uniform in the logarithm of the ratio, the first that fits placed
/// anywhere; if none fits, the largest centred rectangle whose aspect is inside the ratio.
/// @param height, width of the image, 1 to 2^24.
/// @return inside it, at least 1 x 1.
CropBox DrawCropBox(const RandomResizedCropOptions& options, int64_t height, int64_t width,
                    CountedSequence& random);

}  // namespace mae
