#pragma once

#include <cstdint>

namespace mae {

/// Backwards through LayerNormToBf16 (kernels/layer_norm.h), in float32; the row's mean and variance are
/// computed again. Needs HasAvx512Bf16(). Thread-safe.
/// @param x what was normalised, float32 [rows, dim]; dim a multiple of 16.
/// @param dy bfloat16 [rows, dim].
/// @param before float32 [rows, dim]: what x gets besides.
/// @param dx before + the gradient of x; may be `before`.
/// @param weight_gradient,bias_gradient float32 [dim], added to; nullptr both or neither.
void LayerNormGradient(const float* x, const uint16_t* dy, int64_t rows, int64_t dim, const float* weight,
                       float eps, const float* before, float* dx, float* weight_gradient,
                       float* bias_gradient);

}  // namespace mae
