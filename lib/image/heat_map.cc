#include "image/heat_map.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "image/picture_mat.h"

namespace mae {
namespace {

constexpr double kShareOfColour = 0.6;

// rows x cols of 0..255.
cv::Mat Levels(const std::vector<float>& values, int64_t rows, int64_t cols) {
  float lowest = 0, highest = 0;
  bool has_any = false;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    lowest = has_any ? std::min(lowest, value) : value;
    highest = has_any ? std::max(highest, value) : value;
    has_any = true;
  }
  cv::Mat levels(static_cast<int>(rows), static_cast<int>(cols), CV_8UC1, cv::Scalar(0));
  if (!(highest > lowest)) return levels;
  std::transform(values.begin(), values.end(), levels.ptr<uint8_t>(), [&](float value) {
    if (!std::isfinite(value)) return uint8_t{0};
    return static_cast<uint8_t>(std::lround((value - lowest) / (highest - lowest) * 255.0F));
  });
  return levels;
}

}  // namespace

absl::StatusOr<Picture> DrawHeatMap(const Picture& picture, const std::vector<float>& values, int64_t rows,
                                    int64_t cols) {
  MAE_RETURN_IF_ERROR(CheckPicture(picture));
  if (rows < 1 || cols < 1 || static_cast<int64_t>(values.size()) != rows * cols ||
      picture.height % rows != 0 || picture.width % cols != 0) {
    return absl::InvalidArgumentError(absl::StrCat("a map of ", rows, " x ", cols, " with ", values.size(),
                                                   " values doesn't fit a picture of ", picture.height, " x ",
                                                   picture.width));
  }
  MAE_ASSIGN_OR_RETURN(const Picture grey, ConvertChannels(picture, 1));
  MAE_ASSIGN_OR_RETURN(const Picture shown, ConvertChannels(grey, 3));
  return CallOpenCv(absl::StatusCode::kInternal, [&]() -> absl::StatusOr<Picture> {
    cv::Mat colours, rgb, large, mixed;
    cv::applyColorMap(Levels(values, rows, cols), colours, cv::COLORMAP_VIRIDIS);
    cv::cvtColor(colours, rgb, cv::COLOR_BGR2RGB);
    const cv::Mat under = ViewAsMat(shown);
    cv::resize(rgb, large, under.size(), 0, 0, cv::INTER_NEAREST);
    cv::addWeighted(large, kShareOfColour, under, 1 - kShareOfColour, 0, mixed);
    return CopyToPicture(mixed);
  });
}

}  // namespace mae
