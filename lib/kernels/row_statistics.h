#pragma once

#include <cmath>

#include "kernels/avx512.h"

/// What LayerNorm subtracts from a row and multiplies it by. Included by lib/kernels/*.cc alone.
namespace mae::avx512 {

struct RowStatistics {
  __m512 mean, scale;  ///< in every lane; scale = 1 / sqrt(variance + eps)
};

/// @param x [dim]; dim a multiple of 16.
MAE_AVX512_INLINE RowStatistics StatisticsOf(const float* x, int64_t dim, float eps) {
  auto sum = _mm512_setzero_ps();
  for (int64_t c = 0; c < dim; c += kLanes) sum = _mm512_add_ps(sum, Load(x + c));
  const auto size = static_cast<float>(dim);
  const auto mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / size);
  auto squares = _mm512_setzero_ps();
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto distance = _mm512_sub_ps(Load(x + c), mean);
    squares = _mm512_fmadd_ps(distance, distance, squares);
  }
  return {mean, _mm512_set1_ps(1.0F / std::sqrt(_mm512_reduce_add_ps(squares) / size + eps))};
}

}  // namespace mae::avx512
