#include "image/image_header.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "image/image_blocks.h"

namespace mae {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n"sv;
constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF"sv;
constexpr size_t kRiffHeader = 12;  // "RIFF", length, "WEBP"

absl::Status BadHeader(const char* format) {
  return absl::InvalidArgumentError(
      absl::StrCat("the picture is cut off or damaged in its ", format, " header"));
}

absl::StatusOr<ImageHeader> Sized(ImageFormat format, const char* name, int64_t width, int64_t height) {
  if (width > 0 && height > 0) return ImageHeader{format, width, height};
  return absl::InvalidArgumentError(
      absl::StrCat("the picture's ", name, " header says ", width, " x ", height, " pixels"));
}

absl::StatusOr<ImageHeader> ReadPng(std::string_view bytes) {
  size_t offset = kPngMagic.size();
  MAE_ASSIGN_OR_RETURN(const ImageBlock chunk, NextPngChunk(bytes, offset));
  if (chunk.tag != ChunkTag("IHDR") || chunk.body.size() != 13) return BadHeader("PNG");
  return Sized(ImageFormat::kPng, "PNG", ReadBigEndian(chunk.body, 0, 4), ReadBigEndian(chunk.body, 4, 4));
}

// SOF0 to SOF15, of which three numbers mean other tables.
bool IsFrameHeader(uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

absl::StatusOr<ImageHeader> ReadJpeg(std::string_view bytes) {
  constexpr uint32_t kStartOfScan = 0xDA;
  constexpr uint32_t kEnd = 0xD9;
  size_t offset = 2;
  while (true) {
    MAE_ASSIGN_OR_RETURN(const ImageBlock segment, NextJpegSegment(bytes, offset));
    if (segment.tag == kStartOfScan || segment.tag == kEnd) return BadHeader("JPEG");
    if (!IsFrameHeader(segment.tag)) continue;
    if (segment.body.size() < 6) return BadHeader("JPEG");
    return Sized(ImageFormat::kJpeg, "JPEG", ReadBigEndian(segment.body, 3, 2),
                 ReadBigEndian(segment.body, 1, 2));
  }
}

absl::StatusOr<ImageHeader> ReadWebpExtended(std::string_view body) {
  constexpr uint32_t kAnimationFlag = 0x02;
  if (body.size() < 10) return BadHeader("WebP");
  if ((ReadLittleEndian(body, 0, 1) & kAnimationFlag) != 0) {
    return absl::InvalidArgumentError("the picture is an animated WebP; send a still one");
  }
  return ImageHeader{ImageFormat::kWebp, ReadLittleEndian(body, 4, 3) + 1, ReadLittleEndian(body, 7, 3) + 1};
}

absl::StatusOr<ImageHeader> ReadWebpLossless(std::string_view body) {
  constexpr uint32_t kSideMask = 0x3FFF;
  if (body.size() < 5 || body[0] != 0x2F) return BadHeader("WebP");
  const uint32_t sides = ReadLittleEndian(body, 1, 4);
  return ImageHeader{ImageFormat::kWebp, (sides & kSideMask) + 1, (sides >> 14 & kSideMask) + 1};
}

absl::StatusOr<ImageHeader> ReadWebpLossy(std::string_view body) {
  constexpr uint32_t kSideMask = 0x3FFF;  // the two bits above scale the picture up on display
  if (body.size() < 10 || body.substr(3, 3) != "\x9D\x01\x2A"sv) return BadHeader("WebP");
  return Sized(ImageFormat::kWebp, "WebP", ReadLittleEndian(body, 6, 2) & kSideMask,
               ReadLittleEndian(body, 8, 2) & kSideMask);
}

absl::StatusOr<ImageHeader> ReadWebp(std::string_view bytes) {
  size_t offset = kRiffHeader;
  MAE_ASSIGN_OR_RETURN(const ImageBlock chunk, NextRiffChunk(bytes, offset));
  switch (chunk.tag) {
    case ChunkTag("VP8X"):
      return ReadWebpExtended(chunk.body);
    case ChunkTag("VP8L"):
      return ReadWebpLossless(chunk.body);
    case ChunkTag("VP8 "):
      return ReadWebpLossy(chunk.body);
    default:
      return BadHeader("WebP");
  }
}

absl::StatusOr<ImageHeader> ReadBmp(std::string_view bytes) {
  constexpr size_t kCoreHeader = 26, kInfoHeader = 54;  // with the 14 bytes of the file header
  constexpr uint32_t kPlain = 0, kBitFields = 3;
  if (bytes.size() < kCoreHeader) return BadHeader("BMP");
  if (ReadLittleEndian(bytes, 14, 4) == 12) {
    return Sized(ImageFormat::kBmp, "BMP", ReadLittleEndian(bytes, 18, 2), ReadLittleEndian(bytes, 20, 2));
  }
  if (bytes.size() < kInfoHeader) return BadHeader("BMP");
  const uint32_t compression = ReadLittleEndian(bytes, 30, 4);
  if (compression != kPlain && compression != kBitFields) {
    return absl::InvalidArgumentError(absl::StrCat("the picture is a BMP of compression ", compression,
                                                   "; send it uncompressed, or as PNG"));
  }
  const auto width = static_cast<int32_t>(ReadLittleEndian(bytes, 18, 4));
  const auto height = static_cast<int32_t>(ReadLittleEndian(bytes, 22, 4));  // negative: rows from the top
  return Sized(ImageFormat::kBmp, "BMP", width, std::abs(int64_t{height}));
}

absl::Status UnknownFormat(std::string_view bytes) {
  constexpr std::pair<std::string_view, const char*> kOthers[] = {
      {"GIF8"sv, "GIF"}, {"II*\0"sv, "TIFF"}, {"MM\0*"sv, "TIFF"}};
  const std::string start(bytes.substr(0, 4));
  for (const auto& [magic, name] : kOthers) {
    if (start != magic) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("not a PNG, JPEG, WebP or BMP picture but a ", name, "; convert it to one of them"));
  }
  return absl::InvalidArgumentError(absl::StrCat("not a PNG, JPEG, WebP or BMP picture: it has ",
                                                 bytes.size(), " bytes and starts with ",
                                                 absl::BytesToHexString(start)));
}

}  // namespace

absl::StatusOr<ImageHeader> ReadImageHeader(std::string_view bytes) {
  if (bytes.empty()) return absl::InvalidArgumentError("the picture is empty: 0 bytes");
  if (bytes.starts_with(kPngMagic)) return ReadPng(bytes);
  if (bytes.starts_with(kJpegMagic)) return ReadJpeg(bytes);
  if (bytes.size() >= kRiffHeader && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP")
    return ReadWebp(bytes);
  if (bytes.starts_with("BM")) return ReadBmp(bytes);
  return UnknownFormat(bytes);
}

bool IsPictureExtension(std::string_view extension) {
  constexpr std::string_view kTaken[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp"};
  return std::find(std::begin(kTaken), std::end(kTaken), absl::AsciiStrToLower(std::string(extension))) !=
         std::end(kTaken);
}

}  // namespace mae
