#include "client/curve_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/readable.h"

namespace mae {
namespace {

/// Of the 256 colours those of image/line_chart.cc, nearly.
constexpr int kColours[] = {32, 166, 36, 175, 74, 178, 244};

std::string InColour(size_t curve, const std::string& text) {
  return absl::StrCat("\x1b[38;5;", kColours[curve % std::size(kColours)], "m", text, "\x1b[0m");
}

std::string Letter(size_t curve) { return std::string(1, static_cast<char>('a' + curve % 26)); }

/// A grid of dots; characters are dots_x x dots_y of them. Where curves cross, a character is of the last
/// one.
class Canvas {
 public:
  Canvas(int columns, int rows, CurveStyle style, bool several)
      : style_(style),
        several_(several),
        dots_x_(style == CurveStyle::kLetters ? 1 : 2),
        dots_y_(style == CurveStyle::kLetters ? 1 : 4),
        columns_(columns),
        cells_(static_cast<size_t>(columns) * rows, 0),
        curves_(cells_.size(), 0) {}

  int width() const { return columns_ * dots_x_; }
  int height() const { return static_cast<int>(cells_.size()) / columns_ * dots_y_; }

  void Set(int x, int y) {
    // Dot numbers of a braille cell, column by column (Unicode chapter 21, "Braille Patterns").
    static constexpr uint8_t kDots[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};
    const size_t cell = static_cast<size_t>(y / dots_y_) * columns_ + x / dots_x_;
    cells_[cell] |= kDots[x % dots_x_][y % dots_y_];
    curves_[cell] = curve_;
  }

  /// Which curve Line and Set draw from now on.
  void Begin(size_t curve) { curve_ = curve; }

  /// Every dot between two, along the longer side.
  void Line(int x0, int y0, int x1, int y1) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int s = 0; s <= steps; ++s) {
      Set(x0 + static_cast<int>(std::lround(double(x1 - x0) * s / steps)),
          y0 + static_cast<int>(std::lround(double(y1 - y0) * s / steps)));
    }
  }

  std::string Row(int row) const {
    std::string text;
    for (int c = 0; c < columns_; ++c) text += Character(static_cast<size_t>(row) * columns_ + c);
    return text;
  }

 private:
  std::string Character(size_t at) const {
    if (cells_[at] == 0) return " ";
    if (style_ == CurveStyle::kLetters) return several_ ? Letter(curves_[at]) : "*";
    // U+2800 + cell in UTF-8.
    const std::string dots = {'\xE2', static_cast<char>(0xA0 | cells_[at] >> 6),
                              static_cast<char>(0x80 | (cells_[at] & 0x3F))};
    return style_ == CurveStyle::kColoured ? InColour(curves_[at], dots) : dots;
  }

  const CurveStyle style_;
  const bool several_;
  const int dots_x_, dots_y_, columns_;
  std::vector<uint8_t> cells_;
  std::vector<size_t> curves_;
  size_t curve_ = 0;
};

struct Range {
  double low = 0, high = 0;
  /// 0 to 1; a range without width has everything in its middle.
  double Place(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

Range RangeOf(const std::vector<Curve>& curves, double CurvePoint::*axis) {
  Range range = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve) {
      range.low = std::min(range.low, point.*axis);
      range.high = std::max(range.high, point.*axis);
    }
  }
  return range;
}

Curve FiniteOf(const Curve& curve) {
  Curve finite;
  std::copy_if(curve.begin(), curve.end(), std::back_inserter(finite),
               [](const CurvePoint& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
  return finite;
}

void Draw(const Curve& points, const Range& xs, const Range& ys, Canvas& canvas) {
  const auto column = [&](double x) {
    return static_cast<int>(std::lround(xs.Place(x) * (canvas.width() - 1)));
  };
  const auto line = [&](double y) {
    return static_cast<int>(std::lround((1 - ys.Place(y)) * (canvas.height() - 1)));
  };
  if (points.empty()) return;
  CurvePoint last = points.front();
  for (const CurvePoint& point : points) {
    canvas.Line(column(last.x), line(last.y), column(point.x), line(point.y));
    last = point;
  }
}

std::string RightAligned(const std::string& label, int width) {
  return std::string(std::max(0, width - DisplayWidth(label)), ' ') + label;
}

std::string XAxis(const Range& xs, const std::string& name, int margin, int columns) {
  const std::string low = ReadableNumber(xs.low), high = ReadableNumber(xs.high);
  const int gaps = columns - DisplayWidth(low) - DisplayWidth(name) - DisplayWidth(high);
  const std::string left(std::max(1, gaps / 2), ' '), right(std::max(1, gaps - gaps / 2), ' ');
  return absl::StrCat(std::string(margin, ' '), low, left, name, right, high, "\n");
}

}  // namespace

std::string PlotCurves(const std::vector<Curve>& curves, const std::string& x_name, int columns, int rows,
                       CurveStyle style) {
  std::vector<Curve> finite;
  for (const Curve& curve : curves) finite.push_back(FiniteOf(curve));
  const Range xs = RangeOf(finite, &CurvePoint::x), ys = RangeOf(finite, &CurvePoint::y);
  if (xs.low > xs.high) return "no points\n";
  const bool ascii = style == CurveStyle::kLetters;
  const std::string top = ReadableNumber(ys.high), bottom = ReadableNumber(ys.low);
  const int margin = std::max(DisplayWidth(top), DisplayWidth(bottom));
  const int curve_rows = std::max(3, rows - 2), curve_columns = std::max(10, columns - margin - 2);
  Canvas canvas(curve_columns, curve_rows, style, curves.size() > 1);
  for (size_t i = 0; i < finite.size(); ++i) {
    canvas.Begin(i);
    Draw(finite[i], xs, ys, canvas);
  }
  std::string text;
  for (int row = 0; row < curve_rows; ++row) {
    const std::string label = row == 0 ? top : row == curve_rows - 1 ? bottom : "";
    absl::StrAppend(&text, RightAligned(label, margin), ascii ? " |" : " │", canvas.Row(row), "\n");
  }
  std::string axis;
  for (int c = 0; c < curve_columns; ++c) axis += ascii ? "-" : "─";
  absl::StrAppend(&text, std::string(margin, ' '), ascii ? " +" : " └", axis, "\n");
  return text + XAxis(xs, x_name, margin + 2, curve_columns);
}

std::string CurveMark(size_t curve, CurveStyle style) {
  if (style == CurveStyle::kLetters) return Letter(curve);
  return style == CurveStyle::kColoured ? InColour(curve, "●") : "●";
}

}  // namespace mae
