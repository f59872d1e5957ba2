#include "augment/random_resized_crop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace mae {
namespace {

TEST(RandomResizedCrop, StaysInsideWithAreaAndAspectInTheirRanges) {
  RandomResizedCropOptions options;
  options.scale_min = 0.2;
  std::set<int64_t> tops, lefts;
  double area = 0;
  constexpr int kBoxes = 3000;
  for (uint64_t key = 0; key < kBoxes; ++key) {
    CountedSequence random(key * 7919);
    const CropBox box = DrawCropBox(options, 100, 160, random);
    ASSERT_GE(box.top, 0);
    ASSERT_GE(box.left, 0);
    ASSERT_LE(box.top + box.height, 100);
    ASSERT_LE(box.left + box.width, 160);
    const double share = static_cast<double>(box.height * box.width) / (100.0 * 160.0);
    const double aspect = static_cast<double>(box.width) / static_cast<double>(box.height);
    EXPECT_GT(share, 0.19);
    EXPECT_GT(aspect, 0.73);
    EXPECT_LT(aspect, 1.36);
    area += share;
    tops.insert(box.top);
    lefts.insert(box.left);
  }
  // Up to 0.83 of the area fits at 4:3, and less where narrow; the mean of what fits is below the middle,
  // 0.6.
  EXPECT_NEAR(area / kBoxes, 0.48, 0.05);
  EXPECT_GT(tops.size(), 40U);
  EXPECT_GT(lefts.size(), 90U);
}

TEST(RandomResizedCrop, IsAFunctionOfItsRandomNumbers) {
  CountedSequence a(4), b(4), c(5);
  const CropBox box = DrawCropBox({}, 64, 64, a);
  EXPECT_EQ(DrawCropBox({}, 64, 64, b), box);
  EXPECT_NE(DrawCropBox({}, 64, 64, c), box);
}

TEST(RandomResizedCrop, FallsBackToTheCentreWhereNothingFits) {
  RandomResizedCropOptions whole;
  whole.scale_min = whole.scale_max = 1.0;  // of a strip ten times as long as the ratio allows
  CountedSequence random(1);
  EXPECT_EQ(DrawCropBox(whole, 30, 300, random), (CropBox{0, 130, 30, 40}));
  EXPECT_EQ(DrawCropBox(whole, 300, 30, random), (CropBox{130, 0, 40, 30}));
  whole.ratio_min = whole.ratio_max = 1.0;
  EXPECT_EQ(DrawCropBox(whole, 31, 31, random), (CropBox{0, 0, 31, 31}));
}

TEST(RandomResizedCrop, OfASinglePixelIsThatPixel) {
  CountedSequence random(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(DrawCropBox({}, 1, 1, random), (CropBox{0, 0, 1, 1}));
}

}  // namespace
}  // namespace mae
