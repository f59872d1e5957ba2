#include "kernels/tile_finish.h"

#include "kernels/avx512.h"

// In a file of their own, so that their constants don't take the registers of a product's sums.
namespace mae::avx512 {

MAE_AVX512 void Store(const Tile& tile, int64_t rows, int64_t width, const float* bias, uint16_t* y,
                      int64_t stride) {
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto shift = Load(bias + c);
    for (int64_t r = 0; r < rows; ++r) {
      StoreBf16(y + r * stride + c, _mm512_add_ps(Load(tile.sums[r] + c), shift));
    }
  }
}

MAE_AVX512 void StoreGelu(const Tile& tile, int64_t rows, int64_t width, const float* bias, uint16_t* y,
                          int64_t stride) {
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto shift = Load(bias + c);
    for (int64_t r = 0; r < rows; ++r) {
      StoreBf16(y + r * stride + c, Gelu(_mm512_add_ps(Load(tile.sums[r] + c), shift)));
    }
  }
}

MAE_AVX512 void StoreAdd(const Tile& tile, int64_t rows, int64_t width, const float* bias, float* y,
                         int64_t stride) {
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto shift = Load(bias + c);
    for (int64_t r = 0; r < rows; ++r) {
      float* to = y + r * stride + c;
      _mm512_storeu_ps(to, _mm512_add_ps(Load(to), _mm512_add_ps(Load(tile.sums[r] + c), shift)));
    }
  }
}

}  // namespace mae::avx512
