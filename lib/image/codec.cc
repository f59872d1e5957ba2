#include "image/codec.h"

#include <algorithm>
#include <atomic>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "base/program_module.h"
#include "base/status_macros.h"
#include "image/decoder_apart.h"
#include "image/exif_orientation.h"
#include "image/image_container.h"
#include "image/image_files.h"
#include "image/picture_mat.h"

namespace mae {
namespace {

// A function of the module of image/image_files.h, kept once it is found: a module that is not there may
// come.
template <typename Function>
absl::StatusOr<Function> ImageFileFunction(const std::string& name, std::atomic<Function>& kept) {
  if (const Function known = kept.load()) return known;
  MAE_ASSIGN_OR_RETURN(const auto found, FindModuleFunction<Function>("mae_image_files", name));
  kept = found;
  return found;
}

// The fourth byte of a BMP pixel is mostly padding of value 0, which would read as wholly transparent.
int FlagsFor(ImageFormat format) {
  return format == ImageFormat::kBmp ? cv::IMREAD_COLOR : cv::IMREAD_UNCHANGED;
}

absl::StatusOr<cv::Mat> DecodeAsStored(std::string_view bytes, const ImageHeader& header) {
  const int flags = FlagsFor(header.format);
  if (const auto apart = DecoderApart()) return apart->Decode(bytes, flags, header.height * header.width);
  static std::atomic<decltype(&MaeDecodeImageFile)> kept = nullptr;
  MAE_ASSIGN_OR_RETURN(const auto decode, ImageFileFunction("MaeDecodeImageFile", kept));
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
  cv::Mat image;
  decode(buffer, flags, image);
  return image;
}

// OpenCV keeps colours as BGR.
cv::Mat SwapRedAndBlue(const cv::Mat& mat) {
  if (mat.channels() == 1) return mat;
  cv::Mat swapped;
  cv::cvtColor(mat, swapped, mat.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGBA);
  return swapped;
}

cv::Mat ToEightBits(const cv::Mat& mat) {
  if (mat.depth() != CV_16U) return mat;
  cv::Mat narrow;
  mat.convertTo(narrow, CV_8U, 1.0 / 257);  // 65535 -> 255 exactly
  return narrow;
}

cv::Mat Upright(const cv::Mat& mat, int orientation) {
  constexpr int kUpDown = 0, kLeftRight = 1, kBoth = -1;
  cv::Mat turned = mat;
  if (orientation >= 5) cv::transpose(mat, turned);
  if (orientation == 2 || orientation == 6) cv::flip(turned, turned, kLeftRight);
  if (orientation == 3 || orientation == 7) cv::flip(turned, turned, kBoth);
  if (orientation == 4 || orientation == 8) cv::flip(turned, turned, kUpDown);
  return turned;
}

absl::StatusOr<Picture> DecodeWhole(std::string_view bytes, const ImageHeader& header, int orientation) {
  MAE_ASSIGN_OR_RETURN(cv::Mat mat, DecodeAsStored(bytes, header));
  if (mat.empty()) return absl::InvalidArgumentError("the picture is damaged: it could not be decoded");
  if (mat.cols != header.width || mat.rows != header.height) {
    return absl::InvalidArgumentError(absl::StrCat("the picture is damaged: its header says ", header.width,
                                                   " x ", header.height, " pixels, its data has ", mat.cols,
                                                   " x ", mat.rows));
  }
  // One step at a time, so that no more than two of these large matrices live.
  mat = ToEightBits(mat);
  mat = SwapRedAndBlue(mat);
  mat = Upright(mat, orientation);
  return CopyToPicture(mat);
}

Picture BlendOverWhite(const Picture& rgba) {
  Picture rgb{rgba.height, rgba.width, 3, {}};
  rgb.pixels.reserve(rgba.pixels.size() / 4 * 3);
  for (size_t i = 0; i < rgba.pixels.size(); i += 4) {
    const int alpha = rgba.pixels[i + 3];
    for (size_t c = 0; c < 3; ++c) {
      const int blended = rgba.pixels[i + c] * alpha + 255 * (255 - alpha);
      rgb.pixels.push_back(static_cast<uint8_t>((blended + 127) / 255));
    }
  }
  return rgb;
}

}  // namespace

absl::StatusOr<ImageHeader> ReadSizedHeader(std::string_view bytes, int64_t max_pixels) {
  MAE_ASSIGN_OR_RETURN(const ImageHeader header, ReadImageHeader(bytes));
  if (header.width <= max_pixels / header.height) return header;
  return absl::InvalidArgumentError(absl::StrCat("the picture has ", header.width, " x ", header.height,
                                                 " pixels; at most ", max_pixels, " are allowed in all"));
}

absl::StatusOr<Picture> DecodePicture(std::string_view bytes, int64_t max_pixels) {
  MAE_ASSIGN_OR_RETURN(const ImageHeader header, ReadSizedHeader(bytes, max_pixels));
  MAE_ASSIGN_OR_RETURN(const std::string_view exif, CheckImageIsWhole(bytes, header));
  return CallOpenCv(absl::StatusCode::kInvalidArgument,
                    [&] { return DecodeWhole(bytes, header, ExifOrientation(exif)); });
}

absl::StatusOr<std::string> EncodePng(const Picture& picture) {
  return EncodePicture(picture, PictureFormat::kPng);
}

absl::StatusOr<std::string> EncodePicture(const Picture& picture, PictureFormat format) {
  constexpr int64_t kMaxWebpSide = 16383;
  constexpr int kLossless = 101;  // OpenCV takes a quality above 100 for it
  MAE_RETURN_IF_ERROR(CheckPicture(picture));
  const bool is_webp = format == PictureFormat::kWebp;
  if (is_webp && std::max(picture.width, picture.height) > kMaxWebpSide) {
    return absl::InvalidArgumentError(absl::StrCat("a picture of ", picture.width, " x ", picture.height,
                                                   " pixels can't be WebP, which has at most ", kMaxWebpSide,
                                                   " a side; take PNG"));
  }
  static std::atomic<decltype(&MaeEncodeImageFile)> kept = nullptr;
  MAE_ASSIGN_OR_RETURN(const auto encode, ImageFileFunction("MaeEncodeImageFile", kept));
  return CallOpenCv(absl::StatusCode::kInternal, [&]() -> absl::StatusOr<std::string> {
    std::vector<uint8_t> bytes;
    const auto options = is_webp ? std::vector<int>{cv::IMWRITE_WEBP_QUALITY, kLossless} : std::vector<int>();
    encode(is_webp ? ".webp" : ".png", SwapRedAndBlue(ViewAsMat(picture)), options, bytes);
    return std::string(bytes.begin(), bytes.end());
  });
}

absl::StatusOr<Picture> ConvertChannels(const Picture& picture, int64_t channels) {
  MAE_RETURN_IF_ERROR(CheckPicture(picture));
  if (channels != 1 && channels != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot convert a picture to ", channels, " channels, only 1 or 3"));
  }
  if (picture.channels == channels) return picture;
  if (picture.channels == 4) return ConvertChannels(BlendOverWhite(picture), channels);
  return CallOpenCv(absl::StatusCode::kInternal, [&]() -> absl::StatusOr<Picture> {
    cv::Mat converted;
    cv::cvtColor(ViewAsMat(picture), converted, channels == 1 ? cv::COLOR_RGB2GRAY : cv::COLOR_GRAY2RGB);
    return CopyToPicture(converted);
  });
}

absl::StatusOr<Picture> Resize(const Picture& picture, int64_t height, int64_t width) {
  MAE_RETURN_IF_ERROR(CheckPicture(picture));
  constexpr int64_t kMaxSide = 1 << 20;
  if (height < 1 || height > kMaxSide || width < 1 || width > kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat("cannot resize a picture to height ", height, ", width ",
                                                   width, "; each must be 1 to ", kMaxSide));
  }
  if (picture.height == height && picture.width == width) return picture;
  return CallOpenCv(absl::StatusCode::kInternal, [&]() -> absl::StatusOr<Picture> {
    const cv::Size target(static_cast<int>(width), static_cast<int>(height));
    const cv::Mat source = ViewAsMat(picture);
    cv::Mat shrunk, resized;
    cv::resize(source, shrunk, {std::min(source.cols, target.width), std::min(source.rows, target.height)}, 0,
               0, cv::INTER_AREA);
    cv::resize(shrunk, resized, target, 0, 0, cv::INTER_CUBIC);
    return CopyToPicture(resized);
  });
}

Picture Magnify(const Picture& picture, int64_t factor) {
  Picture large{picture.height * factor, picture.width * factor, picture.channels, {}};
  large.pixels.reserve(static_cast<size_t>(large.height * large.width * large.channels));
  for (int64_t y = 0; y < large.height; ++y) {
    for (int64_t x = 0; x < large.width; ++x) {
      const auto pixel =
          picture.pixels.begin() + (y / factor * picture.width + x / factor) * picture.channels;
      large.pixels.insert(large.pixels.end(), pixel, pixel + picture.channels);
    }
  }
  return large;
}

}  // namespace mae
