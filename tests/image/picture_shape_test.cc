#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "image/codec.h"
#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

/// ConvertChannels, Resize and Magnify.
namespace mae {
namespace {

using absl::StatusCode;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ConvertChannels, GreyIsCopiedToRgb) {
  const auto rgb = ConvertChannels(Picture{1, 2, 1, {7, 200}}, 3);
  ASSERT_THAT(rgb, IsOk());
  EXPECT_EQ(rgb->channels, 3);
  EXPECT_THAT(rgb->pixels, ElementsAre(7, 7, 7, 200, 200, 200));
}

TEST(ConvertChannels, RgbBecomesGreyByLuma) {
  const auto grey = ConvertChannels(Picture{1, 4, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9}}, 1);
  ASSERT_THAT(grey, IsOk());
  EXPECT_THAT(grey->pixels, ElementsAre(76, 150, 29, 9));  // 255 times 0.299, 0.587, 0.114
}

TEST(ConvertChannels, AlphaIsBlendedOverWhite) {
  const Picture rgba{1, 3, 4, {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 128}};
  const auto rgb = ConvertChannels(rgba, 3);
  ASSERT_THAT(rgb, IsOk());
  EXPECT_THAT(rgb->pixels, ElementsAre(10, 20, 30, 255, 255, 255, 127, 177, 255));
  const auto grey = ConvertChannels(rgba, 1);
  ASSERT_THAT(grey, IsOk());
  EXPECT_THAT(grey->pixels, ElementsAre(18, 255, 171));
}

TEST(ConvertChannels, TheSameChannelsAreTheSamePicture) {
  const Picture rgb = Gradient(4, 5, 3);
  const auto same = ConvertChannels(rgb, 3);
  ASSERT_THAT(same, IsOk());
  EXPECT_EQ(LargestDifference(*same, rgb), 0);
}

TEST(ConvertChannels, RefusesOtherChannelsAndBrokenPictures) {
  EXPECT_THAT(ConvertChannels(Gradient(4, 5, 3), 4),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("4 channels")));
  EXPECT_THAT(ConvertChannels(Picture{4, 5, 3, {1}}, 1), StatusIs(StatusCode::kInvalidArgument));
}

TEST(Resize, ShrinksByTheMeanOfEachArea) {
  const auto small = Resize(Picture{2, 4, 1, {0, 100, 10, 10, 100, 200, 30, 30}}, 1, 2);
  ASSERT_THAT(small, IsOk());
  EXPECT_THAT(small->pixels, ElementsAre(100, 20));
}

TEST(Resize, GrowsSmoothlyAndKeepsFlatAreasFlat) {
  const auto flat = Resize(Picture{2, 2, 3, std::vector<uint8_t>(12, 77)}, 9, 5);
  ASSERT_THAT(flat, IsOk());
  EXPECT_EQ(flat->height, 9);
  EXPECT_EQ(flat->width, 5);
  EXPECT_THAT(flat->pixels, Each(77));
  const auto ramp = Resize(Picture{1, 2, 1, {50, 200}}, 1, 8);
  ASSERT_THAT(ramp, IsOk());
  EXPECT_TRUE(std::is_sorted(ramp->pixels.begin() + 2, ramp->pixels.end() - 2));
  EXPECT_GT(ramp->pixels[4] - ramp->pixels[3], 0);  // no step as of nearest neighbours
  EXPECT_LT(ramp->pixels[4] - ramp->pixels[3], 100);
}

TEST(Resize, EachAxisHasItsOwnRule) {
  // The width shrinks by the mean although the height grows.
  const auto mixed = Resize(Picture{1, 4, 1, {0, 100, 40, 60}}, 3, 2);
  ASSERT_THAT(mixed, IsOk());
  EXPECT_THAT(mixed->pixels, ElementsAre(50, 50, 50, 50, 50, 50));
}

TEST(Resize, RefusesSidesThatMakeNoSense) {
  const Picture picture = Gradient(4, 5, 3);
  EXPECT_THAT(Resize(picture, 0, 5), StatusIs(StatusCode::kInvalidArgument, HasSubstr("height 0")));
  EXPECT_THAT(Resize(picture, 5, -1), StatusIs(StatusCode::kInvalidArgument, HasSubstr("width -1")));
  EXPECT_THAT(Resize(picture, int64_t{1} << 40, 5), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Resize(Picture(), 4, 4), StatusIs(StatusCode::kInvalidArgument));
}

TEST(Magnify, DrawsEachPixelAsASquare) {
  const Picture large = Magnify(Picture{1, 2, 1, {3, 8}}, 2);
  EXPECT_EQ(large.height, 2);
  EXPECT_EQ(large.width, 4);
  EXPECT_THAT(large.pixels, ElementsAre(3, 3, 8, 8, 3, 3, 8, 8));
  EXPECT_EQ(LargestDifference(Magnify(Gradient(3, 4, 3), 1), Gradient(3, 4, 3)), 0);
}

}  // namespace
}  // namespace mae
