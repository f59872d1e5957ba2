#pragma once

#include <cstdint>

#include "image/byte_image.h"

/// Mirroring left to right. Pure functions, safe anywhere.
namespace mae {

/// Whether an image is mirrored in an epoch: a fair coin of (seed, epoch, image), whatever batch it is in.
bool FlipsImage(uint64_t seed, int64_t epoch, int64_t image);

/// Mirrors every row of the image.
void FlipHorizontally(ByteImage& image);

}  // namespace mae
