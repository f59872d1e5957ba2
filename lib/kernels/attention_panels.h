#pragma once

#include <cstdint>

#include "kernels/avx512.h"

/// One head's queries, keys, values or their gradients as the columns of a product (kernels/bf16_product.h),
/// in panels of 64. Row t of x, bfloat16, is at x + t * stride.
namespace mae::avx512 {

/// To the next multiple of 16.
inline int64_t RoundUp(int64_t value) { return (value + kLanes - 1) / kLanes * kLanes; }

/// Tokens as columns, for products over the head's width: [head_dim / 2][tokens of the panel][2]. Columns
/// past the last token stay what they were, numbers or not: what comes of them has to be masked.
/// @param panels [RoundUp(tokens) * head_dim].
void PairColumns(const uint16_t* x, int64_t stride, int64_t tokens, int64_t head_dim, uint16_t* panels);

/// The head's width as columns, for products over tokens: [tokens / 2][columns of the panel][2], tokens
/// filled up to a multiple of 16 with zeros.
/// @param panels [RoundUp(tokens) * head_dim].
void PairTokens(const uint16_t* x, int64_t stride, int64_t tokens, int64_t head_dim, uint16_t* panels);

}  // namespace mae::avx512
