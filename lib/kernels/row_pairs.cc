#include "kernels/row_pairs.h"

#include "kernels/avx512.h"

namespace mae::avx512 {
namespace {

MAE_AVX512_INLINE __m512i Widened(const uint16_t* x, __mmask16 lanes) {
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, x));
}

// Up to 16 columns, of which `lanes` count; pairs of them go `width` dwords apart.
MAE_AVX512 void PairSixteen(const uint16_t* x, int64_t rows, int64_t stride, __mmask16 lanes, int64_t width,
                            uint16_t* to, float* sums) {
  auto sum = _mm512_setzero_ps();
  for (int64_t r = 0; r < rows; r += 2, to += 2 * width) {
    const auto low = Widened(x + r * stride, lanes);
    const auto high =
        r + 1 < rows ? _mm512_slli_epi32(Widened(x + (r + 1) * stride, lanes), 16) : _mm512_setzero_si512();
    _mm512_mask_storeu_epi32(to, lanes, _mm512_or_si512(low, high));
    sum = _mm512_add_ps(
        sum, _mm512_add_ps(_mm512_castsi512_ps(_mm512_slli_epi32(low, 16)), _mm512_castsi512_ps(high)));
  }
  if (sums == nullptr) return;
  _mm512_mask_storeu_ps(sums, lanes, _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, sums), sum));
}

}  // namespace

void PairRows(const uint16_t* x, int64_t rows, int64_t stride, int64_t columns, uint16_t* to, float* sums) {
  for (int64_t c = 0; c < columns; c += kLanes) {
    PairSixteen(x + c, rows, stride, FirstLanes(columns - c), columns, to + 2 * c,
                sums == nullptr ? nullptr : sums + c);
  }
}

}  // namespace mae::avx512
