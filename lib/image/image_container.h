#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "image/image_header.h"

namespace mae {

/// Walks a picture file from end to end, to prove before decoding that it is whole: OpenCV leaves the missing
/// rows of a truncated JPEG as the memory was, which may show another caller's picture. PNG checksums are
/// checked too; JPEG and WebP have none, so damage within their coded data can go unnoticed and shows as flat
/// areas. Bytes after the picture's end are ignored. Pure; safe anywhere.
/// @param header what ReadImageHeader said of the same bytes.
/// @return the EXIF block (a view into `bytes`, starting with its TIFF header), empty if there is none.
///   INVALID_ARGUMENT if the file is cut off or damaged, or a PNG of several frames.
absl::StatusOr<std::string_view> CheckImageIsWhole(std::string_view bytes, const ImageHeader& header);

}  // namespace mae
