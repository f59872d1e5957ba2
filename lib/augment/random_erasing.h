#pragma once

#include <cstdint>
#include <optional>

#include "base/counted_sequence.h"
#include "image/image_view.h"
#include "options/augmentation_options.h"

/// Random erasing in timm's "pixel" mode with a count of one. Pure functions, safe anywhere.
namespace mae {

/// The rectangle to erase, if this image is erased: a coin of the probability, then up to ten tries of an
/// area uniform in its range and an aspect uniform in the logarithm, the first that is smaller than the image
/// on both sides.
std::optional<CropBox> DrawErasedBox(const RandomErasingOptions& options, int64_t height, int64_t width,
                                     CountedSequence& random);

/// Overwrites the rectangle with standard normal noise, a value a pixel and channel.
/// @param planes normalised pixels, channels x height x width.
void FillWithNoise(const CropBox& box, int64_t channels, int64_t height, int64_t width,
                   CountedSequence& random, float* planes);

}  // namespace mae
