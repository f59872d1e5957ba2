#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace mae {

/// The formats that are taken, told apart by their first bytes.
enum class ImageFormat { kPng, kJpeg, kWebp, kBmp };

struct ImageHeader {
  ImageFormat format = ImageFormat::kPng;
  int64_t width = 0, height = 0;  ///< as stored, at least 1; EXIF orientation may swap them
};

/// Whether a file of that extension (".png", ".JPG": any case) is of a format that is taken. Pure; safe
/// anywhere.
bool IsPictureExtension(std::string_view extension);

/// Reads format and size without decoding or allocating anything. Pure; safe anywhere.
/// INVALID_ARGUMENT: empty, another format, a header that is cut off or makes no sense, an animated WebP, a
/// compressed BMP.
absl::StatusOr<ImageHeader> ReadImageHeader(std::string_view bytes);

}  // namespace mae
