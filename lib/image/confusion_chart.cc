#include "image/confusion_chart.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "image/picture_mat.h"

namespace mae {
namespace {

constexpr int kChartFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kChartScale = 0.42;
constexpr int kChartGap = 10, kLineHeight = 18, kFieldSide = 900;
constexpr size_t kMostLegible = 30;
const cv::Scalar kText(48, 48, 48), kFullCell(0, 84, 138);

using Counts = std::vector<std::vector<int64_t>>;

absl::Status CheckCounts(const Counts& counts, const std::vector<std::string>& names) {
  const bool square =
      std::all_of(counts.begin(), counts.end(), [&](const auto& row) { return row.size() == counts.size(); });
  if (!counts.empty() && square && names.size() == counts.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a confusion matrix of ", counts.size(), " rows and ", names.size(),
                   " names; it needs as many columns and names as rows, and one at least"));
}

int TextWidth(const std::string& text) {
  int below = 0;
  return cv::getTextSize(text, kChartFont, kChartScale, 1, &below).width;
}

// Where the field of cells stands.
struct Field {
  bool legible = false;
  int cell = 1, left = kChartGap, top = kChartGap + kLineHeight;

  Field(const Counts& counts, const std::vector<std::string>& names)
      : legible(counts.size() <= kMostLegible) {
    const int classes = static_cast<int>(counts.size());
    cell = legible ? std::max(34, 400 / classes) : std::max(1, kFieldSide / classes);
    if (!legible) return;
    int widest = 0;
    for (size_t i = 0; i < names.size(); ++i) widest = std::max(widest, TextWidth(RowName(i, names)));
    left += widest + kChartGap;
    top += kLineHeight;
  }

  static std::string RowName(size_t row, const std::vector<std::string>& names) {
    const auto number = absl::StrCat(row);
    return names[row] == number ? number : absl::StrCat(names[row], " ", number);
  }
  cv::Rect Cell(size_t row, size_t column) const {
    return {left + static_cast<int>(column) * cell, top + static_cast<int>(row) * cell, cell, cell};
  }
};

void WriteText(const std::string& text, int x, int y, const cv::Scalar& colour, cv::Mat& chart) {
  cv::putText(chart, text, {x, y}, kChartFont, kChartScale, colour, 1, cv::LINE_AA);
}

void DrawCell(double share, const cv::Rect& cell, bool legible, cv::Mat& chart) {
  cv::rectangle(chart, cell, cv::Scalar::all(255) + (kFullCell - cv::Scalar::all(255)) * share, cv::FILLED);
  if (!legible || share < 0.005) return;
  const auto text = absl::StrCat(std::lround(100 * share));
  WriteText(text, cell.x + (cell.width - TextWidth(text)) / 2, cell.y + cell.height / 2 + 5,
            share > 0.5 ? cv::Scalar::all(255) : kText, chart);
}

void DrawNames(const Field& field, const std::vector<std::string>& names, cv::Mat& chart) {
  for (size_t i = 0; i < names.size(); ++i) {
    const auto row = Field::RowName(i, names), column = absl::StrCat(i);
    const auto cell = field.Cell(i, i);
    WriteText(row, field.left - kChartGap - TextWidth(row), cell.y + cell.height / 2 + 5, kText, chart);
    WriteText(column, cell.x + (cell.width - TextWidth(column)) / 2, field.top - 5, kText, chart);
  }
}

Picture DrawMatrix(const Counts& counts, const std::vector<std::string>& names, const std::string& title) {
  const Field field(counts, names);
  const auto last = field.Cell(counts.size() - 1, counts.size() - 1);
  const int width = std::max(last.x + last.width, kChartGap + TextWidth(title)) + kChartGap;
  cv::Mat chart(cv::Size(width, last.y + last.height + kChartGap), CV_8UC3, cv::Scalar::all(255));
  WriteText(title, kChartGap, kChartGap + kLineHeight / 2, kText, chart);
  for (size_t row = 0; row < counts.size(); ++row) {
    const auto sum = std::accumulate(counts[row].begin(), counts[row].end(), int64_t{0});
    for (size_t column = 0; column < counts.size(); ++column) {
      const double share = sum > 0 ? static_cast<double>(counts[row][column]) / static_cast<double>(sum) : 0;
      DrawCell(share, field.Cell(row, column), field.legible, chart);
    }
  }
  if (field.legible) DrawNames(field, names, chart);
  cv::rectangle(chart, field.Cell(0, 0) | last, cv::Scalar::all(160), 1);
  return CopyToPicture(chart);
}

}  // namespace

absl::StatusOr<Picture> DrawConfusionMatrix(const Counts& counts, const std::vector<std::string>& names,
                                            const std::string& title) {
  if (const auto status = CheckCounts(counts, names); !status.ok()) return status;
  return CallOpenCv(absl::StatusCode::kInternal,
                    [&]() -> absl::StatusOr<Picture> { return DrawMatrix(counts, names, title); });
}

}  // namespace mae
