#include "augment/affine.h"

#include <gtest/gtest.h>

#include "tests/augment/reference_images.h"

namespace mae {
namespace {

const uint8_t kFillOfThree[] = {1, 2, 3};

ByteImage Moved(const ByteImage& source, const AffineMatrix& matrix, Interpolation interpolation) {
  ByteImage out;
  ApplyAffine(source, matrix, interpolation, kFillOfThree, out);
  return out;
}

// rand_augment_test holds every move against Pillow's.
TEST(Affine, WholePixelsMoveUnchangedAndTheRestIsFilled) {
  const auto& source = ReferenceImages().at("source/rgb");
  for (const auto interpolation : {Interpolation::kBicubic, Interpolation::kBilinear}) {
    const auto left = Moved(source, TranslateXMatrix(2), interpolation);
    const auto up = Moved(source, TranslateYMatrix(-3), interpolation);
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < source.height; ++y) {
        for (int64_t x = 0; x < source.width; ++x) {
          const int64_t at = y * source.width + x;
          EXPECT_EQ(left.plane(c)[at], x + 2 < source.width ? source.plane(c)[at + 2] : c + 1);
          EXPECT_EQ(up.plane(c)[at], y >= 3 ? source.plane(c)[at - 3 * source.width] : c + 1);
        }
      }
    }
  }
}

TEST(Affine, ATurnByNinetyDegreesIsCounterClockwise) {
  ByteImage square;
  square.Reshape(1, 2, 2);
  square.pixels = {10, 20, 30, 40};
  EXPECT_EQ(Moved(square, RotateMatrix(90, 2, 2), Interpolation::kBilinear).pixels,
            (std::vector<uint8_t>{20, 40, 10, 30}));
}

}  // namespace
}  // namespace mae
