#include "image/heat_map.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

Picture Grey(int64_t height, int64_t width, uint8_t value) {
  return {height, width, 1, std::vector<uint8_t>(static_cast<size_t>(height * width), value)};
}

std::vector<int> ColourAt(const Picture& picture, int64_t y, int64_t x) {
  const uint8_t* pixel = picture.pixels.data() + (y * picture.width + x) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

TEST(DrawHeatMap, ColoursEachCellFromVioletToYellow) {
  const auto drawn = DrawHeatMap(Grey(4, 6, 0), {0.1F, 0.2F, 0.5F, 0.3F, 0.4F, 0.25F}, 2, 3);
  ASSERT_THAT(drawn, IsOk());
  EXPECT_EQ(drawn->height, 4);
  EXPECT_EQ(drawn->width, 6);
  ASSERT_EQ(drawn->channels, 3);
  const auto lowest = ColourAt(*drawn, 0, 0), highest = ColourAt(*drawn, 1, 5);
  EXPECT_GT(lowest[2], lowest[1]);  // blue above green
  EXPECT_GT(highest[0], 3 * highest[2]);
  EXPECT_GT(highest[1], 3 * highest[2]);
  for (int64_t y = 0; y < 2; ++y) {
    for (int64_t x = 0; x < 2; ++x) EXPECT_EQ(ColourAt(*drawn, y, x), lowest);
  }
  EXPECT_NE(ColourAt(*drawn, 2, 0), lowest);
}

TEST(DrawHeatMap, LetsThePictureShowThrough) {
  const std::vector<float> flat(4, 0.25F);
  const auto dark = DrawHeatMap(Grey(4, 4, 0), flat, 2, 2), light = DrawHeatMap(Grey(4, 4, 200), flat, 2, 2);
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(ColourAt(*light, 0, 0)[c] - ColourAt(*dark, 0, 0)[c], 80, 2);
}

TEST(DrawHeatMap, TakesWhatIsNotFiniteForTheLowest) {
  const auto drawn = DrawHeatMap(Grey(2, 4, 9), {std::nanf(""), INFINITY, 1.0F, 0.0F}, 1, 4);
  ASSERT_THAT(drawn, IsOk());
  EXPECT_EQ(ColourAt(*drawn, 0, 0), ColourAt(*drawn, 0, 3));
  EXPECT_EQ(ColourAt(*drawn, 0, 1), ColourAt(*drawn, 0, 3));
  EXPECT_NE(ColourAt(*drawn, 0, 2), ColourAt(*drawn, 0, 3));
}

TEST(DrawHeatMap, RefusesAMapThatDoesNotFit) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(DrawHeatMap(Grey(4, 4, 0), {1, 2}, 2, 2), refused);
  EXPECT_THAT(DrawHeatMap(Grey(4, 5, 0), {1, 2, 3, 4}, 2, 2), refused);
  EXPECT_THAT(DrawHeatMap(Picture{}, {1}, 1, 1), refused);
}

}  // namespace
}  // namespace mae
