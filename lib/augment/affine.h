#pragma once

#include <array>
#include <cstdint>

#include "image/byte_image.h"
#include "options/augmentation_options.h"

/// Affine moves of a picture inside its frame, equal to Pillow's Image.transform(AFFINE) of the same size to
/// one grey level.
/// Pure functions, safe anywhere.
namespace mae {

/// (a, b, c, d, e, f): output pixel (x, y) shows the source at (a x + b y + c, d x + e y + f), centres at +
/// 0.5.
using AffineMatrix = std::array<double, 6>;

AffineMatrix ShearXMatrix(double factor);
AffineMatrix ShearYMatrix(double factor);
/// The picture moves left by `pixels`.
AffineMatrix TranslateXMatrix(double pixels);
/// The picture moves up by `pixels`.
AffineMatrix TranslateYMatrix(double pixels);
/// Turns counter-clockwise around the centre (Image.rotate).
AffineMatrix RotateMatrix(double degrees, int64_t height, int64_t width);

/// Writes the moved picture into `out` (another image), which gets the source's shape. What comes from
/// outside the source is `fill`, a value a channel. Bicubic is Pillow's of this operation: a = -1, cut and
/// not rounded.
void ApplyAffine(const ByteImage& source, const AffineMatrix& matrix, Interpolation interpolation,
                 const uint8_t* fill, ByteImage& out);

}  // namespace mae
