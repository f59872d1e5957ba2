#include "base/utf8.h"

#include <cstdint>

namespace mae {
namespace {

// What may follow the first byte of a character: so many bytes, of which the first is in low..high and the
// others are in 0x80..0xbf (RFC 3629, section 4).
struct Followers {
  int count = -1;  ///< -1: it begins no character
  uint8_t low = 0x80, high = 0xbf;
};

Followers FollowersOf(uint8_t first) {
  if (first < 0x80) return {0};
  if (first >= 0xc2 && first <= 0xdf) return {1};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {2};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  if (first >= 0xf1 && first <= 0xf3) return {3};
  return {};
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    Followers next = FollowersOf(static_cast<uint8_t>(text[i]));
    if (next.count < 0) return false;
    for (; next.count > 0; next = {next.count - 1}) {
      if (++i == text.size()) return false;
      const auto byte = static_cast<uint8_t>(text[i]);
      if (byte < next.low || byte > next.high) return false;
    }
  }
  return true;
}

}  // namespace mae
