#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image_header.h"
#include "image/image_view.h"

namespace mae {

/// A picture in memory: height x width x channels, uint8, rows top first; 1 grey, 3 RGB or 4 RGBA channels.
struct Picture {
  int64_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;  ///< height * width * channels values

  ImageView view() const { return {pixels.data(), channels, height, width, true}; }
};

/// ReadImageHeader, of a picture that DecodePicture would take by its size. Allocates nothing.
absl::StatusOr<ImageHeader> ReadSizedHeader(std::string_view bytes, int64_t max_pixels);

/// Decodes PNG, JPEG, WebP or BMP. The size is read from the header and held against max_pixels (height x
/// width) before anything is allocated. Thread-safe. 16-bit samples become 8-bit, palettes and BMPs RGB, grey
/// with alpha RGBA; EXIF orientation is applied. INVALID_ARGUMENT: empty, another format, corrupt, truncated,
/// or too large (names the size and the limit).
absl::StatusOr<Picture> DecodePicture(std::string_view bytes, int64_t max_pixels);

/// Encodes as PNG. INVALID_ARGUMENT if the sizes don't agree.
absl::StatusOr<std::string> EncodePng(const Picture& picture);

enum class PictureFormat { kPng, kWebp };

/// Encodes without loss; WebP keeps grey as RGB. INVALID_ARGUMENT if the sizes don't agree, or a side is more
/// than the 16383 pixels that WebP has.
absl::StatusOr<std::string> EncodePicture(const Picture& picture, PictureFormat format);

/// The same picture with `channels` (1 or 3): grey copied or by luma (0.299 R + 0.587 G + 0.114 B), alpha
/// over white.
absl::StatusOr<Picture> ConvertChannels(const Picture& picture, int64_t channels);

/// The same picture at another size: area averaging where it shrinks, cubic where it grows. The aspect may
/// change.
absl::StatusOr<Picture> Resize(const Picture& picture, int64_t height, int64_t width);

/// Each pixel drawn as a square of `factor` pixels a side, factor at least 1.
Picture Magnify(const Picture& picture, int64_t factor);

}  // namespace mae
