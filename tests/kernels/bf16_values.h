#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/aligned_array.h"

/// bfloat16 arithmetic for the tests: the top half of a float32.
namespace mae {

inline float ToFloat(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

/// To the nearest, ties to even.
inline uint16_t ToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

inline std::vector<float> NormalValues(int64_t count, double width, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, static_cast<float>(width));
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

inline AlignedArray<uint16_t> NormalBf16(int64_t count, double width, unsigned seed) {
  AlignedArray<uint16_t> values(static_cast<size_t>(count));
  const auto floats = NormalValues(count, width, seed);
  for (size_t i = 0; i < floats.size(); ++i) values.data()[i] = ToBf16(floats[i]);
  return values;
}

/// A bfloat16 result is as near to the exact one as its 8 bits allow, and `sums` more for float32 sums before
/// it.
inline double Bf16Tolerance(double exact, double sums = 1e-5) { return std::abs(exact) / 256 + sums; }

}  // namespace mae
