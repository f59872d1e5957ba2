#include "image/panel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

Picture Filled(int64_t height, int64_t width, std::vector<uint8_t> color) {
  Picture picture{height, width, static_cast<int64_t>(color.size()), {}};
  for (int64_t i = 0; i < height * width; ++i)
    picture.pixels.insert(picture.pixels.end(), color.begin(), color.end());
  return picture;
}

std::vector<uint8_t> PixelAt(const Picture& picture, int64_t y, int64_t x) {
  const auto pixel = picture.pixels.begin() + (y * picture.width + x) * picture.channels;
  return {pixel, pixel + picture.channels};
}

const std::vector<uint8_t> kWhite = {255, 255, 255};

TEST(ComposePanel, LaysPicturesOutWithGapsBetweenAndAround) {
  const std::vector<uint8_t> red = {255, 0, 0}, green = {0, 255, 0}, blue = {0, 0, 255}, black = {0, 0, 0};
  const auto panel = ComposePanel(
      {{Filled(4, 6, red), Filled(4, 6, green)}, {Filled(4, 6, blue), Filled(4, 6, black)}}, {}, 2);
  ASSERT_THAT(panel, IsOk());
  ASSERT_EQ(panel->height, 3 * 2 + 2 * 4);
  ASSERT_EQ(panel->width, 3 * 2 + 2 * 6);
  for (int64_t y = 0; y < panel->height; ++y) {
    for (int64_t x = 0; x < panel->width; ++x) {
      const bool in_gap = y % 6 < 2 || x % 8 < 2;
      const auto& of_row = y < 6 ? (x < 8 ? red : green) : (x < 8 ? blue : black);
      ASSERT_EQ(PixelAt(*panel, y, x), in_gap ? kWhite : of_row) << y << ", " << x;
    }
  }
}

TEST(ComposePanel, GreyBecomesRgbAndAlphaIsBlended) {
  const auto panel = ComposePanel({{Filled(1, 1, {9}), Filled(1, 1, {0, 0, 0, 0})}}, {}, 0);
  ASSERT_THAT(panel, IsOk());
  EXPECT_EQ(PixelAt(*panel, 0, 0), (std::vector<uint8_t>{9, 9, 9}));
  EXPECT_EQ(PixelAt(*panel, 0, 1), kWhite);
}

// Columns of the panel that hold ink within these rows.
std::vector<int64_t> InkedColumns(const Picture& panel, int64_t rows) {
  std::vector<int64_t> inked;
  for (int64_t x = 0; x < panel.width; ++x) {
    for (int64_t y = 0; y < rows; ++y) {
      if (PixelAt(panel, y, x) != kWhite) {
        inked.push_back(x);
        break;
      }
    }
  }
  return inked;
}

TEST(ComposePanel, HeadingsStandAboveTheirColumnsAndMoveThePicturesDown) {
  const Picture white = Filled(100, 150, {255});
  const auto plain = ComposePanel({{white, white}}, {}, 10);
  const auto headed = ComposePanel({{white, white}}, {"original", ""}, 10);
  ASSERT_THAT(plain, IsOk());
  ASSERT_THAT(headed, IsOk());
  EXPECT_EQ(headed->width, plain->width);
  const int64_t heading_height = headed->height - plain->height;
  EXPECT_GT(heading_height, 10);
  const std::vector<int64_t> inked = InkedColumns(*headed, 10 + heading_height);
  ASSERT_FALSE(inked.empty());
  EXPECT_GE(inked.front(), 10);
  EXPECT_LT(inked.back(), 10 + 150);
  EXPECT_NEAR(static_cast<double>(inked.front() + inked.back()) / 2, 10 + 75, 4);  // centred
  EXPECT_EQ(InkedColumns(*headed, headed->height).size(), inked.size());           // nothing below
}

TEST(ComposePanel, ColumnsWidenForHeadingsThatTinyPicturesCannotHold) {
  const Picture tiny = Filled(8, 8, {0});
  const auto panel = ComposePanel({{tiny, tiny}}, {"reconstruction", "original"}, 3);
  ASSERT_THAT(panel, IsOk());
  EXPECT_GT(panel->width, 2 * 60);
  const std::vector<int64_t> inked = InkedColumns(*panel, panel->height);
  EXPECT_GE(inked.front(), 2);
  EXPECT_LE(inked.back(), panel->width - 2);
}

TEST(ComposePanel, RefusesWhatIsNoTableAndSaysWhere) {
  const Picture a = Filled(4, 6, {0}), other = Filled(4, 7, {0});
  EXPECT_THAT(ComposePanel({}, {}, 1), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ComposePanel({{}}, {}, 1), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ComposePanel({{a, a}, {a}}, {}, 1), StatusIs(StatusCode::kInvalidArgument, HasSubstr("row 1")));
  EXPECT_THAT(ComposePanel({{a, other}}, {}, 1), StatusIs(StatusCode::kInvalidArgument, HasSubstr("7 x 4")));
  EXPECT_THAT(ComposePanel({{a, a}}, {"one"}, 1),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("1 headings")));
  EXPECT_THAT(ComposePanel({{a}}, {}, -1), StatusIs(StatusCode::kInvalidArgument, HasSubstr("-1")));
  EXPECT_THAT(ComposePanel({{Picture()}}, {}, 1), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace mae
