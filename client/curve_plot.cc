#include "client/curve_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "client/readable.h"

namespace mae {
namespace {

/// A grid of dots; characters are dots_x x dots_y of them.
class Canvas {
 public:
  Canvas(int columns, int rows, bool ascii)
      : ascii_(ascii),
        dots_x_(ascii ? 1 : 2),
        dots_y_(ascii ? 1 : 4),
        columns_(columns),
        cells_(static_cast<size_t>(columns) * rows, 0) {}

  int width() const { return columns_ * dots_x_; }
  int height() const { return static_cast<int>(cells_.size()) / columns_ * dots_y_; }

  void Set(int x, int y) {
    // Dot numbers of a braille cell, column by column (Unicode chapter 21, "Braille Patterns").
    static constexpr uint8_t kDots[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};
    uint8_t& cell = cells_[static_cast<size_t>(y / dots_y_) * columns_ + x / dots_x_];
    cell |= kDots[x % dots_x_][y % dots_y_];
  }

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
    for (int c = 0; c < columns_; ++c) AppendCell(cells_[static_cast<size_t>(row) * columns_ + c], text);
    return text;
  }

 private:
  void AppendCell(uint8_t cell, std::string& text) const {
    if (ascii_ || cell == 0) {
      text += cell == 0 ? ' ' : '*';
      return;
    }
    // U+2800 + cell in UTF-8.
    text += '\xE2';
    text += static_cast<char>(0xA0 | cell >> 6);
    text += static_cast<char>(0x80 | (cell & 0x3F));
  }

  const bool ascii_;
  const int dots_x_, dots_y_, columns_;
  std::vector<uint8_t> cells_;
};

struct Range {
  double low = 0, high = 0;
  /// 0 to 1; a range without width has everything in its middle.
  double Place(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

Range RangeOf(const std::vector<CurvePoint>& points, double CurvePoint::*axis) {
  const auto [low, high] = std::minmax_element(
      points.begin(), points.end(), [axis](const auto& a, const auto& b) { return a.*axis < b.*axis; });
  return {*low.*axis, *high.*axis};
}

void Draw(const std::vector<CurvePoint>& points, const Range& xs, const Range& ys, Canvas& canvas) {
  const auto column = [&](double x) {
    return static_cast<int>(std::lround(xs.Place(x) * (canvas.width() - 1)));
  };
  const auto line = [&](double y) {
    return static_cast<int>(std::lround((1 - ys.Place(y)) * (canvas.height() - 1)));
  };
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

std::string PlotCurve(const std::vector<CurvePoint>& points, const std::string& x_name, int columns, int rows,
                      bool ascii) {
  std::vector<CurvePoint> finite;
  std::copy_if(points.begin(), points.end(), std::back_inserter(finite),
               [](const CurvePoint& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
  if (finite.empty()) return "no points\n";
  const Range xs = RangeOf(finite, &CurvePoint::x), ys = RangeOf(finite, &CurvePoint::y);
  const std::string top = ReadableNumber(ys.high), bottom = ReadableNumber(ys.low);
  const int margin = std::max(DisplayWidth(top), DisplayWidth(bottom));
  const int curve_rows = std::max(3, rows - 2), curve_columns = std::max(10, columns - margin - 2);
  Canvas canvas(curve_columns, curve_rows, ascii);
  Draw(finite, xs, ys, canvas);
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

}  // namespace mae
