#include "augment/center_crop.h"

#include <gtest/gtest.h>

#include "tests/augment/reference_images.h"

namespace mae {
namespace {

TEST(CenterCrop, EqualsTorchvisionsResizeAndCenterCrop) {
  const auto names = ReferenceNames("eval/");
  ASSERT_EQ(names.size(), 2U * 3);
  for (const auto& name : names) {
    const auto parts = NameParts(name);  // eval, picture, ratio
    const auto& source = ReferenceImages().at("source/" + parts[1]);
    const auto& expected = ReferenceImages().at(name);
    ByteImage out;
    out.Reshape(expected.channels, expected.height, expected.width);
    CenterCrop(source.pixels.data(), source.height, source.width, std::stod(parts[2]), out);
    EXPECT_LE(LargestDifference(out, expected), 1) << name;
  }
}

TEST(CenterCrop, AtThirtyTwoPixelsTheOfficialRatioResizesToThirtySix) {
  EXPECT_EQ(PlanCenterCrop(32, 32, 32, 32, 0.875), (CenterCropPlan{36, 36, 2, 2}));
}

TEST(CenterCrop, OfAnImageOfTheRightSizeIsTheImage) {
  EXPECT_EQ(PlanCenterCrop(28, 20, 28, 20, 1.0), (CenterCropPlan{28, 20, 0, 0}));
  const auto& source = ReferenceImages().at("source/grey");
  ByteImage out;
  out.Reshape(1, source.height, source.width);
  CenterCrop(source.pixels.data(), source.height, source.width, 1.0, out);
  EXPECT_EQ(out, source);
}

TEST(CenterCrop, CoversOutputsThatAreNotSquare) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{100, 30}, {30, 100}, {50, 50}, {1, 1}}) {
    const auto plan = PlanCenterCrop(height, width, 16, 40, 0.8);
    EXPECT_GE(plan.resized_height, 20);
    EXPECT_GE(plan.resized_width, 50);
    EXPECT_TRUE(plan.resized_height == 20 || plan.resized_width == 50) << height << "x" << width;
    EXPECT_GE(plan.top, 0);
    EXPECT_GE(plan.left, 0);
    EXPECT_LE(plan.top + 16, plan.resized_height);
    EXPECT_LE(plan.left + 40, plan.resized_width);
  }
}

}  // namespace
}  // namespace mae
