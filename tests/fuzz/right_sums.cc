#include "tests/fuzz/right_sums.h"

#include <zlib.h>

#include <cstdint>
#include <cstdio>

namespace mae {

std::string WithTarSums(std::string_view archive) {
  constexpr size_t kBlock = 512, kMagic = 257, kSum = 148, kSumBytes = 8;
  std::string out(archive);
  for (size_t at = 0; at + kBlock <= out.size(); at += kBlock) {
    if (out.compare(at + kMagic, 5, "ustar") != 0) continue;
    unsigned sum = ' ' * kSumBytes;
    for (size_t i = 0; i < kBlock; ++i)
      if (i < kSum || i >= kSum + kSumBytes) sum += static_cast<uint8_t>(out[at + i]);
    char text[kSumBytes + 1];
    std::snprintf(text, sizeof(text), "%06o", sum);
    out.replace(at + kSum, kSumBytes, text, kSumBytes);
  }
  return out;
}

std::string WithPngSums(std::string_view picture) {
  constexpr size_t kSignature = 8, kLength = 4, kTag = 4, kSum = 4;
  std::string out(picture);
  if (!out.starts_with("\x89PNG\r\n\x1a\n")) return out;
  const auto byte = [&out](size_t at) { return static_cast<uint8_t>(out[at]); };
  for (size_t at = kSignature; at + kLength + kTag + kSum <= out.size();) {
    const size_t length = size_t{byte(at)} << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    if (length > out.size() - at - kLength - kTag - kSum) break;
    const auto* tag = reinterpret_cast<const Bytef*>(out.data() + at + kLength);
    const auto sum = static_cast<uint32_t>(crc32_z(0, tag, kTag + length));
    at += kLength + kTag + length;
    for (size_t i = 0; i < kSum; ++i) out[at + i] = static_cast<char>(sum >> (24 - 8 * i));
    at += kSum;
  }
  return out;
}

}  // namespace mae
