#include "image/image_container.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "image/image_blocks.h"

namespace mae {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExifPrefix = "Exif\0\0"sv;

absl::Status CutOff(size_t size, uint64_t wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat("the picture is cut off: it has ", size, " of its ", wanted, " bytes"));
}

absl::StatusOr<std::string_view> CheckPng(std::string_view bytes) {
  std::string_view exif;
  size_t offset = 8;
  while (true) {
    MAE_ASSIGN_OR_RETURN(const ImageBlock chunk, NextPngChunk(bytes, offset));
    if (chunk.tag == ChunkTag("IEND")) return exif;
    if (chunk.tag == ChunkTag("eXIf")) exif = chunk.body;
    if (chunk.tag == ChunkTag("acTL") && chunk.body.size() >= 4 && ReadBigEndian(chunk.body, 0, 4) > 1) {
      return absl::InvalidArgumentError("the picture is an animated PNG; send a still one");
    }
  }
}

absl::StatusOr<std::string_view> CheckJpeg(std::string_view bytes) {
  constexpr uint32_t kApp1 = 0xE1, kEnd = 0xD9;
  std::string_view exif;
  size_t offset = 2;
  while (true) {
    MAE_ASSIGN_OR_RETURN(const ImageBlock segment, NextJpegSegment(bytes, offset));
    if (segment.tag == kEnd) return exif;
    if (segment.tag != kApp1 || !segment.body.starts_with(kExifPrefix)) continue;
    exif = segment.body.substr(kExifPrefix.size());
  }
}

absl::StatusOr<std::string_view> CheckWebp(std::string_view bytes) {
  const uint64_t size = uint64_t{ReadLittleEndian(bytes, 4, 4)} + 8;
  if (size > bytes.size()) return CutOff(bytes.size(), size);
  const std::string_view file = bytes.substr(0, size);
  std::string_view exif;
  size_t offset = 12;
  while (offset < file.size()) {
    MAE_ASSIGN_OR_RETURN(const ImageBlock chunk, NextRiffChunk(file, offset));
    if (chunk.tag == ChunkTag("EXIF")) exif = chunk.body;
  }
  // Some writers put JPEG's prefix here as well.
  if (exif.starts_with(kExifPrefix)) exif.remove_prefix(kExifPrefix.size());
  return exif;
}

absl::StatusOr<std::string_view> CheckBmp(std::string_view bytes, const ImageHeader& header) {
  const bool is_core = ReadLittleEndian(bytes, 14, 4) == 12;
  const uint64_t bits = ReadLittleEndian(bytes, is_core ? 24 : 28, 2);
  const uint64_t row_bytes = (static_cast<uint64_t>(header.width) * bits + 31) / 32 * 4;
  const uint64_t size = ReadLittleEndian(bytes, 10, 4) + row_bytes * static_cast<uint64_t>(header.height);
  if (size > bytes.size()) return CutOff(bytes.size(), size);
  return std::string_view();
}

}  // namespace

absl::StatusOr<std::string_view> CheckImageIsWhole(std::string_view bytes, const ImageHeader& header) {
  switch (header.format) {
    case ImageFormat::kPng:
      return CheckPng(bytes);
    case ImageFormat::kJpeg:
      return CheckJpeg(bytes);
    case ImageFormat::kWebp:
      return CheckWebp(bytes);
    case ImageFormat::kBmp:
      return CheckBmp(bytes, header);
  }
  return absl::InternalError("unknown image format");
}

}  // namespace mae
