#include "image/image_blocks.h"

#include <zlib.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace mae {
namespace {

constexpr size_t kPngFraming = 12;  // length, name, checksum
constexpr size_t kRiffFraming = 8;  // name, length
constexpr uint8_t kJpegEscape = 0xFF;

absl::Status Truncated(size_t size) {
  return absl::InvalidArgumentError(
      absl::StrCat("the picture is cut off: its ", size, " bytes end in the middle of a block"));
}

uint8_t ByteAt(std::string_view bytes, size_t offset) { return static_cast<uint8_t>(bytes[offset]); }

bool IsRestart(uint8_t marker) { return marker >= 0xD0 && marker <= 0xD7; }

// Start, end and TEM have no body; every other marker is followed by its length.
bool HasBody(uint8_t marker) { return marker != 0xD8 && marker != 0xD9 && marker != 0x01; }

}  // namespace

uint32_t ReadBigEndian(std::string_view bytes, size_t offset, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | ByteAt(bytes, offset + static_cast<size_t>(i));
  return value;
}

uint32_t ReadLittleEndian(std::string_view bytes, size_t offset, int size) {
  uint32_t value = 0;
  for (int i = size; i > 0; --i) value = value << 8 | ByteAt(bytes, offset + static_cast<size_t>(i) - 1);
  return value;
}

absl::StatusOr<ImageBlock> NextPngChunk(std::string_view file, size_t& offset) {
  const size_t left = file.size() - offset;
  if (left < kPngFraming) return Truncated(file.size());
  const size_t length = ReadBigEndian(file, offset, 4);
  if (length > left - kPngFraming) return Truncated(file.size());
  const std::string_view name_and_body = file.substr(offset + 4, length + 4);
  const uLong checksum =
      crc32(0, reinterpret_cast<const Bytef*>(name_and_body.data()), static_cast<uInt>(name_and_body.size()));
  if (checksum != ReadBigEndian(file, offset + 8 + length, 4)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the picture is damaged: wrong checksum of the PNG chunk at byte ", offset));
  }
  offset += kPngFraming + length;
  return ImageBlock{ReadBigEndian(name_and_body, 0, 4), name_and_body.substr(4)};
}

absl::StatusOr<ImageBlock> NextRiffChunk(std::string_view file, size_t& offset) {
  const size_t left = file.size() - offset;
  if (left < kRiffFraming) return Truncated(file.size());
  const size_t length = ReadLittleEndian(file, offset + 4, 4);
  if (length > left - kRiffFraming) return Truncated(file.size());
  const ImageBlock block{ReadBigEndian(file, offset, 4), file.substr(offset + kRiffFraming, length)};
  const size_t padded = kRiffFraming + length + length % 2;
  offset += padded < left ? padded : left;
  return block;
}

absl::StatusOr<ImageBlock> NextJpegSegment(std::string_view file, size_t& offset) {
  uint8_t marker = 0;
  while (marker == 0 || IsRestart(marker)) {
    while (offset < file.size() && ByteAt(file, offset) != kJpegEscape) ++offset;
    while (offset < file.size() && ByteAt(file, offset) == kJpegEscape) ++offset;
    if (offset == file.size()) return Truncated(file.size());
    marker = ByteAt(file, offset++);
  }
  if (!HasBody(marker)) return ImageBlock{marker, {}};
  const size_t left = file.size() - offset;
  if (left < 2) return Truncated(file.size());
  const size_t length = ReadBigEndian(file, offset, 2);  // counts itself
  if (length > left) return Truncated(file.size());
  if (length < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("the picture is damaged: JPEG segment of length ", length, " at byte ", offset));
  }
  const ImageBlock block{marker, file.substr(offset + 2, length - 2)};
  offset += length;
  return block;
}

}  // namespace mae
