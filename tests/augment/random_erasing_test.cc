#include "augment/random_erasing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mae {
namespace {

TEST(RandomErasing, ErasesTheShareOfImagesThatItsProbabilitySays) {
  RandomErasingOptions options;
  int erased = 0;
  for (uint64_t key = 0; key < 4000; ++key) {
    CountedSequence random(key * 104729);
    erased += DrawErasedBox(options, 32, 32, random).has_value() ? 1 : 0;
  }
  EXPECT_NEAR(erased, 1000, 120);
  options.probability = 0.0;
  CountedSequence random(1);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(DrawErasedBox(options, 32, 32, random).has_value());
}

TEST(RandomErasing, BoxesAreInsideWithAreaAndAspectInTheirRanges) {
  RandomErasingOptions options;
  options.probability = 1.0;
  for (uint64_t key = 0; key < 2000; ++key) {
    CountedSequence random(key * 104729);
    const auto box = DrawErasedBox(options, 64, 48, random);
    if (!box.has_value()) continue;  // ten tries that did not fit
    ASSERT_GE(box->top, 0);
    ASSERT_GE(box->left, 0);
    ASSERT_LE(box->top + box->height, 64);
    ASSERT_LE(box->left + box->width, 48);
    const double share = static_cast<double>(box->height * box->width) / (64.0 * 48.0);
    EXPECT_GT(share, 0.015);
    EXPECT_LT(share, 0.36);
    const double aspect = static_cast<double>(box->height) / static_cast<double>(box->width);
    EXPECT_GT(aspect, 0.25);
    EXPECT_LT(aspect, 4.0);
  }
}

TEST(RandomErasing, NoiseIsNormalInsideTheBoxAndNothingElseChanges) {
  constexpr int64_t kChannels = 3, kHeight = 40, kWidth = 50;
  std::vector<float> planes(kChannels * kHeight * kWidth, 7.0F);
  CountedSequence random(3);
  const CropBox box{4, 10, 30, 20};
  FillWithNoise(box, kChannels, kHeight, kWidth, random, planes.data());
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < kChannels * kHeight * kWidth; ++i) {
    const int64_t y = i / kWidth % kHeight, x = i % kWidth;
    const float value = planes[static_cast<size_t>(i)];
    if (y < 4 || y >= 34 || x < 10 || x >= 30) {
      EXPECT_EQ(value, 7.0F);
      continue;
    }
    sum += value;
    squares += value * value;
  }
  const double count = kChannels * 30 * 20;
  EXPECT_NEAR(sum / count, 0.0, 0.1);
  EXPECT_NEAR(squares / count, 1.0, 0.15);
}

}  // namespace
}  // namespace mae
