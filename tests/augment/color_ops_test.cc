#include "augment/color_ops.h"

#include <gtest/gtest.h>

#include "tests/augment/reference_images.h"

/// rand_augment_test holds every operation against Pillow's; here is what that leaves open.
namespace mae {
namespace {

TEST(ColorOps, ColorIsTheIdentityOnImagesThatAreNotRgb) {
  auto grey = ReferenceImages().at("source/grey");
  AdjustColor(grey, 0.3);
  EXPECT_EQ(grey, ReferenceImages().at("source/grey"));
}

TEST(ColorOps, FactorOneChangesNothing) {
  for (const auto adjust : {&AdjustColor, &AdjustContrast, &AdjustBrightness, &AdjustSharpness}) {
    auto image = ReferenceImages().at("source/rgb");
    adjust(image, 1.0);
    EXPECT_EQ(image, ReferenceImages().at("source/rgb"));
  }
}

TEST(ColorOps, PosterizeKeepsWhatItsBitsHold) {
  auto image = ReferenceImages().at("source/rgb");
  Posterize(image, 8);
  EXPECT_EQ(image, ReferenceImages().at("source/rgb"));
  Posterize(image, 0);
  for (const uint8_t value : image.pixels) EXPECT_EQ(value, 0);
}

TEST(ColorOps, ImagesSmallerThanTheKernelStay) {
  ByteImage line{1, 1, 3, {3, 200, 5}};
  AdjustSharpness(line, 1.9);
  EXPECT_EQ(line.pixels, (std::vector<uint8_t>{3, 200, 5}));
}

TEST(ColorOps, EachPlaneOfFourIsOnItsOwn) {
  const ByteImage one{1, 1, 2, {10, 30}};
  ByteImage four{4, 1, 2, {10, 30, 0, 0, 200, 250, 10, 30}};
  ByteImage expected = one;
  AdjustContrast(expected, 1.5);
  AdjustContrast(four, 1.5);
  EXPECT_EQ(std::vector<uint8_t>(four.pixels.begin(), four.pixels.begin() + 2), expected.pixels);
  EXPECT_EQ(std::vector<uint8_t>(four.pixels.end() - 2, four.pixels.end()), expected.pixels);
}

}  // namespace
}  // namespace mae
