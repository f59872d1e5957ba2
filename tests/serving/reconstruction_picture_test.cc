#include "serving/reconstruction_picture.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/fakes/random_model.h"

namespace mae {
namespace {

// Planes of one value, normalised: pixel = value * 0.5 + 0.25 in the tiny models.
std::vector<float> Flat(int64_t channels, float pixel) {
  return std::vector<float>(static_cast<size_t>(channels * 96), (pixel - 0.25F) / 0.5F);
}

ReconstructionResult Hiding(std::initializer_list<int> patches) {
  ReconstructionResult result;
  result.hidden.resize(6);
  for (const int patch : patches) result.hidden[static_cast<size_t>(patch)] = true;
  return result;
}

TEST(DrawReconstruction, HiddenPatchesAreGreyThenPasted) {
  const auto config = TinyAutoencoder(3);
  auto result = Hiding({1, 3});  // top middle, bottom left
  DrawReconstruction(Flat(3, 0.2F).data(), Flat(3, 0.8F).data(), config, result);
  for (int64_t y = 0; y < 8; ++y) {
    for (int64_t x = 0; x < 12; ++x) {
      const bool hidden = (y < 4 && x >= 4 && x < 8) || (y >= 4 && x < 4);
      for (int64_t c = 0; c < 3; ++c) {
        const auto at = static_cast<size_t>((y * 12 + x) * 3 + c);
        ASSERT_EQ(result.original.pixels[at], 51);
        ASSERT_EQ(result.reconstruction.pixels[at], 204);
        ASSERT_EQ(result.masked.pixels[at], hidden ? 128 : 51) << y << "," << x;
        ASSERT_EQ(result.pasted.pixels[at], hidden ? 204 : 51) << y << "," << x;
      }
    }
  }
}

TEST(DrawReconstruction, ClipsAndDrawsNanBlack) {
  const auto config = TinyAutoencoder();
  auto planes = Flat(1, 0.5F);
  planes[0] = 100, planes[1] = -100, planes[2] = std::numeric_limits<float>::quiet_NaN();
  auto result = Hiding({});
  DrawReconstruction(planes.data(), planes.data(), config, result);
  EXPECT_EQ(result.original.pixels[0], 255);
  EXPECT_EQ(result.original.pixels[1], 0);
  EXPECT_EQ(result.original.pixels[2], 0);
  EXPECT_EQ(result.original.pixels[3], 128);
}

TEST(PixelsOf, UndoesMeanAndStdOfEachChannel) {
  auto config = TinyAutoencoder(3);
  config.mean = {0.1, 0.2, 0.3};
  config.std_dev = {0.5, 0.25, 10};
  const std::vector<float> ones(288, 1.0F);
  const auto pixels = PixelsOf(ones.data(), config);
  EXPECT_EQ(pixels.shape, (std::vector<int64_t>{3, 8, 12}));
  EXPECT_FLOAT_EQ(pixels.values[0], 0.6F);
  EXPECT_FLOAT_EQ(pixels.values[96], 0.45F);
  EXPECT_FLOAT_EQ(pixels.values[192], 1.0F);
}

}  // namespace
}  // namespace mae
