#include "kernels/bf16_product.h"

namespace mae::avx512 {
namespace {

template <int Rows, int Vectors>
MAE_AVX512 void Product(const uint16_t* a, int64_t stride, int64_t pair_stride, const uint16_t* panel,
                        int64_t pairs, Tile& tile) {
  __m512 sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sums[r][v] = _mm512_setzero_ps();
  }
  for (int64_t p = 0; p < pairs; ++p, a += pair_stride) {
    __m512bh columns[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      columns[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + (p * Vectors + v) * 2 * kLanes));
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      int32_t pair;
      __builtin_memcpy(&pair, a + r * stride, sizeof(pair));
      const auto row = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], row, columns[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) _mm512_store_ps(tile.sums[r] + v * kLanes, sums[r][v]);
  }
}

using ProductOf = void (*)(const uint16_t*, int64_t, int64_t, const uint16_t*, int64_t, Tile&);

template <int Rows>
constexpr ProductOf kProducts[4] = {&Product<Rows, 1>, &Product<Rows, 2>, &Product<Rows, 3>,
                                    &Product<Rows, 4>};

constexpr const ProductOf* kByRows[kTileRows] = {kProducts<1>, kProducts<2>, kProducts<3>,
                                                 kProducts<4>, kProducts<5>, kProducts<6>};

}  // namespace

void ProductTile(const uint16_t* a, int64_t stride, int64_t pair_stride, int64_t rows, const uint16_t* panel,
                 int64_t width, int64_t pairs, Tile& tile) {
  kByRows[rows - 1][width / kLanes - 1](a, stride, pair_stride, panel, pairs, tile);
}

}  // namespace mae::avx512
