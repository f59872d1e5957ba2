#include "augment/center_crop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
    CenterCrop(source.view(), std::stod(parts[2]), out);
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
  CenterCrop(source.view(), 1.0, out);
  EXPECT_EQ(out, source);
}

// The whole of the resized image would be 16 TiB.
TEST(CenterCrop, OfAnOblongImageNeedsNoRoomForWhatIsCutOff) {
  const int64_t length = int64_t{1} << 24;
  ByteImage line{1, 1, length, std::vector<uint8_t>(static_cast<size_t>(length), 0)};
  std::fill_n(line.plane(0) + length / 2 - 4, 8, uint8_t{90});
  ByteImage column{1, length, 1, line.pixels};
  for (const auto* image : {&line, &column}) {
    ByteImage out;
    out.Reshape(1, 1024, 1024);
    CenterCrop(image->view(), 1.0, out);
    EXPECT_THAT(out.pixels, testing::Each(uint8_t{90}));
  }
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
