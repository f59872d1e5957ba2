#include "client/curve_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_split.h"
#include "client/readable.h"

namespace mae {
namespace {

using testing::HasSubstr;

TEST(PlotCurve, DrawsAFallingLineInAscii) {
  EXPECT_EQ(PlotCurve({{0, 2}, {9, 0}}, "step", 13, 5, true),
            "2 |***       \n"
            "  |   ****   \n"
            "0 |       ***\n"
            "  +----------\n"
            "   0  step  9\n");
}

TEST(PlotCurve, FillsBrailleDotsFromTopLeftToBottomRight) {
  const std::string plot = PlotCurve({{0, 1}, {1, 0}}, "step", 40, 8, false);
  const std::vector<std::string> lines = absl::StrSplit(plot, '\n');
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_THAT(lines[0], HasSubstr("1 │⠉"));
  EXPECT_THAT(lines[5], HasSubstr("0 │"));
  EXPECT_THAT(lines[5], testing::EndsWith("⣀"));
  for (size_t i = 0; i < 8; ++i) EXPECT_LE(DisplayWidth(lines[i]), 40);
}

TEST(PlotCurve, ShowsRangesOfBothAxes) {
  const std::string plot = PlotCurve({{25, 0.9}, {100, 0.25}, {470, 0.2312}}, "step", 60, 10, false);
  EXPECT_THAT(plot, HasSubstr("0.9 │"));
  EXPECT_THAT(plot, HasSubstr("0.2312 │"));
  EXPECT_THAT(plot, testing::ContainsRegex("25 +step +470\n"));
}

TEST(PlotCurve, ManagesOnePointNoneAndWhatIsNotFinite) {
  EXPECT_EQ(PlotCurve({}, "step", 40, 8, false), "no points\n");
  EXPECT_EQ(PlotCurve({{1, std::nan("")}}, "step", 40, 8, false), "no points\n");
  EXPECT_THAT(PlotCurve({{1, 5}, {2, INFINITY}}, "step", 40, 8, true), HasSubstr("*"));
}

}  // namespace
}  // namespace mae
