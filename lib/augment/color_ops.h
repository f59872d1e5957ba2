#pragma once

#include <cstdint>

#include "image/byte_image.h"

/// The operations of RandAugment on pixel values, equal to Pillow's on images of mode L and RGB, those that
/// blend to one grey level. Those that look across channels (Color, Contrast) take 3 channels as red, green,
/// blue, and any other number as planes that each stand for themselves, as grey does. They change the image
/// in place; pure functions otherwise, safe anywhere.
namespace mae {

/// Stretches each channel's values to 0..255 (ImageOps.autocontrast). A channel of one value stays.
void AutoContrast(ByteImage& image);

/// Evens out each channel's histogram (ImageOps.equalize).
void Equalize(ByteImage& image);

/// 255 minus each value.
void Invert(ByteImage& image);

/// Keeps the `bits` highest bits of each value; bits 0 to 8, at 8 nothing changes.
void Posterize(ByteImage& image, int bits);

/// Inverts values from `threshold` (0 to 256) up.
void Solarize(ByteImage& image, int threshold);

/// Adds `amount` (0 to 255) to values below 128, up to 255.
void SolarizeAdd(ByteImage& image, int amount);

// The four below blend with a degenerate image (ImageEnhance): factor 0 gives that, 1 the image, above 1 more
// of what sets the image apart from it.

/// Saturation: blends with the grey image. The identity unless there are 3 channels.
void AdjustColor(ByteImage& image, double factor);

/// Blends with the mean of the grey image.
void AdjustContrast(ByteImage& image, double factor);

/// Blends with black.
void AdjustBrightness(ByteImage& image, double factor);

/// Blends with a smoothed image (3 x 3, the middle weighted 5); pixels at the border stay.
void AdjustSharpness(ByteImage& image, double factor);

}  // namespace mae
