#include "server/half_float.h"

#include <bit>
#include <cmath>
#include <limits>

namespace mae {

float FloatOfHalf(uint16_t bits) {
  constexpr int kFractionBits = 10, kBias = 15, kSpecialExponent = 31;
  const int exponent = (bits >> kFractionBits) & kSpecialExponent;
  const int fraction = bits & ((1 << kFractionBits) - 1);
  float magnitude = 0;
  if (exponent == kSpecialExponent) {
    magnitude =
        fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), 1 - kBias - kFractionBits);
  } else {
    magnitude =
        std::ldexp(static_cast<float>(fraction | (1 << kFractionBits)), exponent - kBias - kFractionBits);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float FloatOfBFloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace mae
