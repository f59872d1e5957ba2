#include "client/picture_drawing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "client/readable.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

Picture TwoRows() { return Picture{2, 1, 3, {255, 0, 0, 0, 0, 255}}; }

TEST(DrawPicture, UpperPixelIsTheCharacterLowerPixelItsBackground) {
  EXPECT_THAT(DrawPicture(TwoRows(), 80, ColorDepth::kTrue),
              IsOkAndHolds("\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[0m\n"));
  EXPECT_THAT(DrawPicture(TwoRows(), 80, ColorDepth::k256),
              IsOkAndHolds("\x1b[38;5;196m\x1b[48;5;21m▀\x1b[0m\n"));
}

TEST(DrawPicture, ColourIsWrittenOnlyWhereItChanges) {
  const Picture flat{2, 3, 3, std::vector<uint8_t>(18, 7)};
  EXPECT_THAT(DrawPicture(flat, 80, ColorDepth::kTrue),
              IsOkAndHolds("\x1b[38;2;7;7;7m\x1b[48;2;7;7;7m▀▀▀\x1b[0m\n"));
}

TEST(DrawPicture, OddHeightEndsOnTheTerminalsBackground) {
  const Picture one{1, 1, 1, {255}};
  EXPECT_THAT(DrawPicture(one, 80, ColorDepth::kTrue), IsOkAndHolds(HasSubstr("\x1b[49m▀")));
}

TEST(DrawPicture, WithoutColoursIsShaded) {
  const Picture ramp{2, 5, 1, {0, 70, 128, 190, 255, 0, 70, 128, 190, 255}};
  EXPECT_THAT(DrawPicture(ramp, 80, ColorDepth::kNone), IsOkAndHolds(" ░▒▓█\n"));
}

TEST(DrawPicture, ShrinksToTheTerminalAndKeepsItsShape) {
  const Picture wide{100, 200, 1, std::vector<uint8_t>(20000, 128)};
  const auto text = DrawPicture(wide, 40, ColorDepth::kNone);
  ASSERT_THAT(text, IsOk());
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  EXPECT_EQ(lines.size(), 10u + 1);
  EXPECT_EQ(DisplayWidth(lines[0]), 40);
}

TEST(NearestOf256, TakesCubeOrGreyWhateverIsNearer) {
  EXPECT_EQ(NearestOf256(0, 0, 0), 16);
  EXPECT_EQ(NearestOf256(255, 255, 255), 231);
  EXPECT_EQ(NearestOf256(95, 135, 175), 16 + 36 + 12 + 3);
  EXPECT_EQ(NearestOf256(118, 118, 118), 243);
}

}  // namespace
}  // namespace mae
