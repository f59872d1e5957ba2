#include "client/fresh_uuid.h"

#include <cstdint>
#include <random>

#include "absl/strings/str_format.h"

namespace mae {

std::string FreshUuid() {
  std::random_device random;
  const uint32_t a = random(), b = random(), c = random(), d = random();
  // Version 4, variant 10 (RFC 9562, section 5.4).
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%04x%08x", a, b >> 16, b & 0xFFF, 0x8000 | (c >> 16 & 0x3FFF),
                         c & 0xFFFF, d);
}

}  // namespace mae
