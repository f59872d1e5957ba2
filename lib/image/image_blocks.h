#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

/// The blocks that picture files are made of: JPEG segments, PNG and RIFF (WebP) chunks, as views into the
/// file. Pure functions, safe anywhere. They check that a block lies within the file, never what it means.
namespace mae {

struct ImageBlock {
  uint32_t tag = 0;  ///< a JPEG marker's second byte, or a chunk's name as four big-endian characters
  std::string_view body;
};

/// A chunk's name as ImageBlock::tag has it.
constexpr uint32_t ChunkTag(const char (&name)[5]) {
  uint32_t tag = 0;
  for (int i = 0; i < 4; ++i) tag = tag << 8 | static_cast<uint8_t>(name[i]);
  return tag;
}

/// Unsigned integer of `size` bytes (1 to 4) at `offset`; all of them must be there.
uint32_t ReadBigEndian(std::string_view bytes, size_t offset, int size);
uint32_t ReadLittleEndian(std::string_view bytes, size_t offset, int size);

/// Each reads the block at `offset` and moves `offset` past it. INVALID_ARGUMENT if the file ends within the
/// block, or a PNG chunk's checksum is wrong.
absl::StatusOr<ImageBlock> NextPngChunk(std::string_view file, size_t& offset);
absl::StatusOr<ImageBlock> NextRiffChunk(std::string_view file, size_t& offset);
/// Skips coded data, restart markers and fill bytes up to the next marker, as libjpeg does.
absl::StatusOr<ImageBlock> NextJpegSegment(std::string_view file, size_t& offset);

}  // namespace mae
