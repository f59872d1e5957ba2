#include "image/line_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "image/picture_mat.h"

namespace mae {
namespace {

constexpr int kLetters = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kLabelScale = 0.45, kTitleScale = 0.55;
constexpr int kMargin = 12;
const cv::Scalar kInk(48, 48, 48), kGrid(226, 226, 226);
// Told apart also by those who see no red or no green (Okabe & Ito 2008); RGB.
const std::array<cv::Scalar, 7> kColours = {
    cv::Scalar(0, 114, 178),  cv::Scalar(213, 94, 0),  cv::Scalar(0, 158, 115),  cv::Scalar(204, 121, 167),
    cv::Scalar(86, 180, 233), cv::Scalar(230, 159, 0), cv::Scalar(120, 120, 120)};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();

  void Take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  // 0 to 1; what has no width is in the middle.
  double Place(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

bool IsFinite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

cv::Size SizeOfText(const std::string& text, double scale = kLabelScale) {
  int below = 0;
  const cv::Size size = cv::getTextSize(text, kLetters, scale, 1, &below);
  return {size.width, size.height + below};
}

std::vector<double> Ticks(const Range& range, int most) {
  if (range.high <= range.low) return {range.low};
  const double step = TickStep(range.high - range.low, most);
  std::vector<double> ticks;
  for (double i = std::ceil(range.low / step); i * step <= range.high + step * 1e-9; ++i)
    ticks.push_back(i * step);
  return ticks;
}

std::string TickLabel(double value) { return absl::StrFormat("%.6g", value); }

// One chart while it is drawn.
class Chart {
 public:
  Chart(const std::vector<ChartLine>& lines, int width, int height)
      : lines_(lines), canvas_(height, width, CV_8UC3, cv::Scalar::all(255)) {
    for (const ChartLine& line : lines) {
      for (const auto& point : line.points) {
        if (!IsFinite(point)) continue;
        xs_.Take(point.first);
        ys_.Take(point.second);
      }
    }
  }

  bool empty() const { return xs_.empty(); }

  Picture Draw(const std::string& title, const std::string& x_name) {
    Arrange();
    DrawGrid();
    Text(title, {plot_.x, kMargin + SizeOfText(title, kTitleScale).height}, kTitleScale);
    Text(x_name, {plot_.x + (plot_.width - SizeOfText(x_name).width) / 2, canvas_.rows - kMargin / 2});
    for (size_t i = 0; i < lines_.size(); ++i) DrawLine(lines_[i], ColourOf(i));
    if (lines_.size() > 1) DrawLegend();
    return CopyToPicture(canvas_);
  }

 private:
  static const cv::Scalar& ColourOf(size_t line) { return kColours[line % kColours.size()]; }

  void Arrange() {
    const int text = SizeOfText("Ag").height;
    x_ticks_ = Ticks(xs_, std::max(2, canvas_.cols / 110));
    y_ticks_ = Ticks(ys_, std::max(2, canvas_.rows / 60));
    int widest = 0;
    for (const double tick : y_ticks_) widest = std::max(widest, SizeOfText(TickLabel(tick)).width);
    const int left = kMargin + widest + 8, top = kMargin + SizeOfText("Ag", kTitleScale).height + 12;
    plot_ = {left, top, canvas_.cols - left - 2 * kMargin, canvas_.rows - top - 2 * text - kMargin - 6};
  }

  cv::Point At(double x, double y) const {
    return {plot_.x + static_cast<int>(std::lround(xs_.Place(x) * plot_.width)),
            plot_.y + static_cast<int>(std::lround((1 - ys_.Place(y)) * plot_.height))};
  }

  void Text(const std::string& text, const cv::Point& origin, double scale = kLabelScale) {
    cv::putText(canvas_, text, origin, kLetters, scale, kInk, 1, cv::LINE_AA);
  }

  void DrawGrid() {
    for (const double tick : x_ticks_) {
      const int x = At(tick, ys_.low).x;
      cv::line(canvas_, {x, plot_.y}, {x, plot_.y + plot_.height}, kGrid);
      const cv::Size size = SizeOfText(TickLabel(tick));
      Text(TickLabel(tick), {x - size.width / 2, plot_.y + plot_.height + size.height + 4});
    }
    for (const double tick : y_ticks_) {
      const int y = At(xs_.low, tick).y;
      cv::line(canvas_, {plot_.x, y}, {plot_.x + plot_.width, y}, kGrid);
      Text(TickLabel(tick), {plot_.x - 6 - SizeOfText(TickLabel(tick)).width, y + 4});
    }
    cv::rectangle(canvas_, plot_, kInk);
  }

  void DrawLine(const ChartLine& line, const cv::Scalar& colour) {
    const std::pair<double, double>* last = nullptr;
    for (const auto& point : line.points) {
      if (!IsFinite(point)) {
        last = nullptr;
        continue;
      }
      const cv::Point here = At(point.first, point.second);
      cv::line(canvas_, last == nullptr ? here : At(last->first, last->second), here, colour, 2, cv::LINE_AA);
      last = &point;
    }
  }

  void DrawLegend() {
    const int row = SizeOfText("Ag").height + 4, swatch = 18;
    int widest = 0;
    for (const ChartLine& line : lines_) widest = std::max(widest, SizeOfText(line.name).width);
    const int left = plot_.x + plot_.width - widest - swatch - 3 * kMargin / 2;
    for (size_t i = 0; i < lines_.size(); ++i) {
      const int y = plot_.y + kMargin + static_cast<int>(i) * row + row / 2;
      if (y > plot_.y + plot_.height) return;  // More lines than there is room to name.
      cv::line(canvas_, {left, y - 4}, {left + swatch, y - 4}, ColourOf(i), 2, cv::LINE_AA);
      Text(lines_[i].name, {left + swatch + 6, y});
    }
  }

  const std::vector<ChartLine>& lines_;
  cv::Mat canvas_;
  Range xs_, ys_;
  std::vector<double> x_ticks_, y_ticks_;
  cv::Rect plot_;
};

}  // namespace

double TickStep(double range, int most) {
  const double rough = range / std::max(most, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

absl::StatusOr<Picture> DrawLineChart(const std::vector<ChartLine>& lines, const std::string& title,
                                      const std::string& x_name, int64_t width, int64_t height) {
  constexpr int64_t kMinWidth = 200, kMinHeight = 120, kMaxSide = 1 << 14;
  if (width < kMinWidth || height < kMinHeight || width > kMaxSide || height > kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat("a chart of ", width, " x ", height,
                                                   " pixels; it must be from ", kMinWidth, " x ", kMinHeight,
                                                   " to ", kMaxSide, " x ", kMaxSide));
  }
  return CallOpenCv(absl::StatusCode::kInternal, [&]() -> absl::StatusOr<Picture> {
    Chart chart(lines, static_cast<int>(width), static_cast<int>(height));
    if (chart.empty()) return absl::InvalidArgumentError("a chart needs a point at least");
    return chart.Draw(title, x_name);
  });
}

}  // namespace mae
