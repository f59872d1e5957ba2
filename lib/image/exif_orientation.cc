#include "image/exif_orientation.h"

#include <cstddef>
#include <cstdint>

#include "image/image_blocks.h"

namespace mae {
namespace {

using namespace std::string_view_literals;

constexpr int kUpright = 1;
constexpr size_t kEntrySize = 12;

// The orientation if the entry at `offset` is that tag, else 0.
template <typename Read>
uint32_t OrientationOfEntry(std::string_view exif, size_t offset, const Read& read) {
  constexpr uint32_t kOrientationTag = 0x0112, kShort = 3;
  if (read(exif, offset, 2) != kOrientationTag || read(exif, offset + 2, 2) != kShort) return 0;
  const uint32_t value = read(exif, offset + 8, 2);
  return value <= 8 ? value : 0;
}

template <typename Read>
int OrientationOf(std::string_view exif, const Read& read) {
  const size_t directory = read(exif, 4, 4);
  if (directory > exif.size() - 2) return kUpright;
  const size_t entries = read(exif, directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t offset = directory + 2 + i * kEntrySize;
    if (offset + kEntrySize > exif.size()) return kUpright;
    if (const uint32_t found = OrientationOfEntry(exif, offset, read)) return static_cast<int>(found);
  }
  return kUpright;
}

}  // namespace

int ExifOrientation(std::string_view exif) {
  constexpr size_t kTiffHeader = 8;
  if (exif.size() < kTiffHeader) return kUpright;
  if (exif.starts_with("II*\0"sv)) return OrientationOf(exif, ReadLittleEndian);
  if (exif.starts_with("MM\0*"sv)) return OrientationOf(exif, ReadBigEndian);
  return kUpright;
}

}  // namespace mae
