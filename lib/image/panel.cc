#include "image/panel.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "image/picture_mat.h"

namespace mae {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr int kThickness = 1;

absl::Status CheckTable(const std::vector<std::vector<Picture>>& rows,
                        const std::vector<std::string>& headings, int64_t gap) {
  if (rows.empty() || rows.front().empty())
    return absl::InvalidArgumentError("a panel needs a picture at least");
  if (gap < 0)
    return absl::InvalidArgumentError(absl::StrCat("a panel's gap is ", gap, "; it must be 0 or more"));
  const size_t columns = rows.front().size();
  if (!headings.empty() && headings.size() != columns) {
    return absl::InvalidArgumentError(absl::StrCat("a panel of ", columns, " columns has ", headings.size(),
                                                   " headings; give one a column, or none"));
  }
  const Picture& first = rows.front().front();
  for (size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() != columns) {
      return absl::InvalidArgumentError(
          absl::StrCat("row ", r, " of a panel has ", rows[r].size(), " pictures, the first has ", columns));
    }
    for (const Picture& picture : rows[r]) {
      MAE_RETURN_IF_ERROR(CheckPicture(picture));
      if (picture.height == first.height && picture.width == first.width) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("row ", r, " of a panel has a picture of ", picture.width, " x ", picture.height,
                       " pixels, the first has ", first.width, " x ", first.height));
    }
  }
  return absl::OkStatus();
}

cv::Size TextSize(const std::string& text, double scale, int* baseline) {
  return cv::getTextSize(text, kFont, scale, kThickness, baseline);
}

int WidestHeading(const std::vector<std::string>& headings, double scale) {
  int widest = 0, baseline = 0;
  for (const std::string& heading : headings)
    widest = std::max(widest, TextSize(heading, scale, &baseline).width);
  return widest;
}

// Where things stand in the panel, in pixels.
struct Layout {
  int gap = 0;
  int column_width = 0;    // of the picture, or of the widest heading if that is wider
  int heading_height = 0;  // 0 without headings
  int baseline = 0;        // of the headings, from the top of the panel
  double text_scale = 0;
  cv::Size picture, panel;

  cv::Rect Cell(size_t row, size_t column) const {
    const int x = gap + static_cast<int>(column) * (column_width + gap) + (column_width - picture.width) / 2;
    const int y = gap + heading_height + static_cast<int>(row) * (picture.height + gap);
    return {{x, y}, picture};
  }
};

Layout Arrange(const std::vector<std::vector<Picture>>& rows, const std::vector<std::string>& headings,
               int64_t gap) {
  constexpr double kMinScale = 0.4, kMaxScale = 0.6;  // the letters run together; look thin
  const Picture& first = rows.front().front();
  Layout layout;
  layout.gap = static_cast<int>(gap);
  layout.picture = {static_cast<int>(first.width), static_cast<int>(first.height)};
  layout.column_width = layout.picture.width;
  if (const int widest = WidestHeading(headings, 1.0); widest > 0) {
    const double fitting = static_cast<double>(layout.picture.width) / widest;
    layout.text_scale = std::clamp(fitting, kMinScale, kMaxScale);
    layout.column_width = std::max(layout.column_width, WidestHeading(headings, layout.text_scale));
    int below = 0;
    const int above = TextSize("Ag", layout.text_scale, &below).height;
    layout.heading_height = above + 2 * below + 2;
    layout.baseline = layout.gap + above + below / 2;
  }
  layout.panel.width =
      layout.gap + static_cast<int>(rows.front().size()) * (layout.column_width + layout.gap);
  layout.panel.height = layout.gap + layout.heading_height +
                        static_cast<int>(rows.size()) * (layout.picture.height + layout.gap);
  return layout;
}

void DrawHeadings(const std::vector<std::string>& headings, const Layout& layout, cv::Mat& panel) {
  const cv::Scalar dark_grey(48, 48, 48);
  for (size_t column = 0; column < headings.size(); ++column) {
    int below = 0;
    const cv::Rect cell = layout.Cell(0, column);
    const int text_width = TextSize(headings[column], layout.text_scale, &below).width;
    const cv::Point origin(cell.x + (cell.width - text_width) / 2, layout.baseline);
    cv::putText(panel, headings[column], origin, kFont, layout.text_scale, dark_grey, kThickness,
                cv::LINE_AA);
  }
}

absl::StatusOr<Picture> Draw(const std::vector<std::vector<Picture>>& rows,
                             const std::vector<std::string>& headings, const Layout& layout) {
  cv::Mat panel(layout.panel, CV_8UC3, cv::Scalar::all(255));
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < rows[row].size(); ++column) {
      MAE_ASSIGN_OR_RETURN(const Picture picture, ConvertChannels(rows[row][column], 3));
      ViewAsMat(picture).copyTo(panel(layout.Cell(row, column)));
    }
  }
  DrawHeadings(headings, layout, panel);
  return CopyToPicture(panel);
}

}  // namespace

absl::StatusOr<Picture> ComposePanel(const std::vector<std::vector<Picture>>& rows,
                                     const std::vector<std::string>& headings, int64_t gap) {
  MAE_RETURN_IF_ERROR(CheckTable(rows, headings, gap));
  return CallOpenCv(absl::StatusCode::kInternal,
                    [&] { return Draw(rows, headings, Arrange(rows, headings, gap)); });
}

}  // namespace mae
