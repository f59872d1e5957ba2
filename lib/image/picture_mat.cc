#include "image/picture_mat.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace mae {

absl::Status CheckPicture(const Picture& picture) {
  constexpr int64_t kMaxSide = 1 << 20;  // OpenCV's own
  const auto is_side = [](int64_t side) { return side >= 1 && side <= kMaxSide; };
  const bool has_channels = picture.channels == 1 || picture.channels == 3 || picture.channels == 4;
  if (is_side(picture.height) && is_side(picture.width) && has_channels) {
    const auto values = static_cast<uint64_t>(picture.height * picture.width * picture.channels);
    if (values == picture.pixels.size()) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("no picture: height ", picture.height, ", width ",
                                                 picture.width, " (1 to ", kMaxSide, " each), channels ",
                                                 picture.channels, " (1, 3 or 4), values ",
                                                 picture.pixels.size(), " (must be their product)"));
}

cv::Mat ViewAsMat(const Picture& picture) {
  // cv::Mat has no constant form; its users here only read it.
  return cv::Mat(static_cast<int>(picture.height), static_cast<int>(picture.width),
                 CV_8UC(static_cast<int>(picture.channels)), const_cast<uint8_t*>(picture.pixels.data()));
}

Picture CopyToPicture(const cv::Mat& mat) {
  Picture picture{mat.rows, mat.cols, mat.channels(), {}};
  const size_t row_bytes = static_cast<size_t>(mat.cols) * mat.elemSize();
  picture.pixels.resize(static_cast<size_t>(mat.rows) * row_bytes);
  for (int row = 0; row < mat.rows; ++row) {
    std::memcpy(&picture.pixels[static_cast<size_t>(row) * row_bytes], mat.ptr(row), row_bytes);
  }
  return picture;
}

}  // namespace mae
