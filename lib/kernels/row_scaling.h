#pragma once

#include <cstdint>

namespace mae {

/// y[r][c] = x[r][c] * scales[r], rounded to bfloat16. Needs HasAvx512Bf16(). Thread-safe.
/// @param x float32 [rows, width]; width a multiple of 16.
/// @param scales [rows]; nullptr: all 1.
void ScaleToBf16(const float* x, int64_t rows, int64_t width, const float* scales, uint16_t* y);

}  // namespace mae
