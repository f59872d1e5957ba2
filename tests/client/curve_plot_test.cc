#include "client/curve_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_split.h"
#include "client/readable.h"

namespace mae {
namespace {

using testing::HasSubstr;

TEST(PlotCurves, DrawsAFallingLineInAscii) {
  EXPECT_EQ(PlotCurves({{{0, 2}, {9, 0}}}, "step", 13, 5, CurveStyle::kLetters),
            "2 |***       \n"
            "  |   ****   \n"
            "0 |       ***\n"
            "  +----------\n"
            "   0  step  9\n");
}

TEST(PlotCurves, FillsBrailleDotsFromTopLeftToBottomRight) {
  const std::string plot = PlotCurves({{{0, 1}, {1, 0}}}, "step", 40, 8, CurveStyle::kBraille);
  const std::vector<std::string> lines = absl::StrSplit(plot, '\n');
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_THAT(lines[0], HasSubstr("1 │⠉"));
  EXPECT_THAT(lines[5], HasSubstr("0 │"));
  EXPECT_THAT(lines[5], testing::EndsWith("⣀"));
  for (size_t i = 0; i < 8; ++i) EXPECT_LE(DisplayWidth(lines[i]), 40);
}

TEST(PlotCurves, ShowsRangesOfBothAxes) {
  const std::string plot =
      PlotCurves({{{25, 0.9}, {100, 0.25}, {470, 0.2312}}}, "step", 60, 10, CurveStyle::kBraille);
  EXPECT_THAT(plot, HasSubstr("0.9 │"));
  EXPECT_THAT(plot, HasSubstr("0.2312 │"));
  EXPECT_THAT(plot, testing::ContainsRegex("25 +step +470\n"));
}

TEST(PlotCurves, ManagesOnePointNoneAndWhatIsNotFinite) {
  EXPECT_EQ(PlotCurves({}, "step", 40, 8, CurveStyle::kBraille), "no points\n");
  EXPECT_EQ(PlotCurves({{{1, std::nan("")}}}, "step", 40, 8, CurveStyle::kBraille), "no points\n");
  EXPECT_THAT(PlotCurves({{{1, 5}, {2, INFINITY}}}, "step", 40, 8, CurveStyle::kLetters), HasSubstr("*"));
}

TEST(PlotCurves, SeveralShareTheirAxesAndAreTheirLetters) {
  EXPECT_EQ(PlotCurves({{{0, 2}, {9, 2}}, {{0, 0}, {4, 0}}, {}}, "step", 13, 5, CurveStyle::kLetters),
            "2 |aaaaaaaaaa\n"
            "  |          \n"
            "0 |bbbbb     \n"
            "  +----------\n"
            "   0  step  9\n");
  EXPECT_EQ(CurveMark(1, CurveStyle::kLetters), "b");
}

TEST(PlotCurves, SeveralAreTheirColours) {
  const std::string plot =
      PlotCurves({{{0, 2}, {9, 2}}, {{0, 0}, {9, 0}}}, "step", 30, 8, CurveStyle::kColoured);
  const std::vector<std::string> lines = absl::StrSplit(plot, '\n');
  const auto colour_of = [](size_t curve) {
    const std::string mark = CurveMark(curve, CurveStyle::kColoured);
    return mark.substr(0, mark.find("●"));
  };
  EXPECT_NE(colour_of(0), colour_of(1));
  EXPECT_THAT(lines[0], HasSubstr(colour_of(0)));
  EXPECT_THAT(lines[0], testing::Not(HasSubstr(colour_of(1))));
  EXPECT_THAT(lines[5], HasSubstr(colour_of(1)));
  for (size_t i = 0; i < 8; ++i) EXPECT_LE(DisplayWidth(lines[i]), 30);
}

}  // namespace
}  // namespace mae
