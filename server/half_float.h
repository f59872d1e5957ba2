#pragma once

#include <cstdint>

/// Floating-point numbers of two bytes, as bits, to float. Exact; pure.
namespace mae {

/// IEEE 754 binary16 (FP16).
float FloatOfHalf(uint16_t bits);

/// bfloat16 (BF16): the upper half of a float.
float FloatOfBFloat16(uint16_t bits);

}  // namespace mae
