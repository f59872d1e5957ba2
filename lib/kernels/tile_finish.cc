#include "kernels/tile_finish.h"

#include "kernels/avx512.h"

// In a file of their own, so that their constants don't take the registers of a product's sums.
namespace mae::avx512 {
namespace {

// The rows of the next tile are on their way while its product is made.
template <bool kToWrite>
MAE_AVX512_INLINE void PrefetchNext(const uint16_t* y, int64_t rows, int64_t stride, int64_t width) {
  constexpr int64_t kLine = 64 / sizeof(uint16_t);
  for (int64_t r = rows; r < 2 * rows; ++r) {
    for (int64_t c = 0; c < width; c += kLine) __builtin_prefetch(y + r * stride + c, kToWrite ? 1 : 0);
  }
}

}  // namespace

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

MAE_AVX512 void StoreBeforeAndGelu(const Tile& tile, int64_t rows, int64_t width, const float* bias,
                                   uint16_t* before, uint16_t* y, int64_t stride) {
  PrefetchNext<true>(before, rows, stride, width);
  PrefetchNext<true>(y, rows, stride, width);
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto shift = Load(bias + c);
    for (int64_t r = 0; r < rows; ++r) {
      StoreBf16(before + r * stride + c, _mm512_add_ps(Load(tile.sums[r] + c), shift));
      StoreBf16(y + r * stride + c, Gelu(LoadBf16(before + r * stride + c)));
    }
  }
}

MAE_AVX512 void StoreResidual(const Tile& tile, int64_t rows, int64_t width, const float* bias,
                              const float* residual, const float* scales, float* y, int64_t stride) {
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto shift = Load(bias + c);
    for (int64_t r = 0; r < rows; ++r) {
      const auto scale = _mm512_set1_ps(scales == nullptr ? 1.0F : scales[r]);
      const auto sums = _mm512_add_ps(Load(tile.sums[r] + c), shift);
      _mm512_storeu_ps(y + r * stride + c, _mm512_fmadd_ps(scale, sums, Load(residual + r * stride + c)));
    }
  }
}

MAE_AVX512 void StoreGeluGradient(const Tile& tile, int64_t rows, int64_t width, const uint16_t* before,
                                  uint16_t* gradient, uint16_t* y, int64_t stride) {
  PrefetchNext<false>(before, rows, stride, width);
  PrefetchNext<true>(gradient, rows, stride, width);
  PrefetchNext<true>(y, rows, stride, width);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < width; c += kLanes) {
      const auto at = r * stride + c;
      const auto gelu = GeluAndSlope(LoadBf16(before + at));
      StoreBf16(gradient + at, _mm512_mul_ps(Load(tile.sums[r] + c), gelu.slope));
      StoreBf16(y + at, gelu.value);
    }
  }
}

MAE_AVX512 void Accumulate(const Tile& tile, int64_t rows, int64_t width, bool add, float* y,
                           int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < width; c += kLanes) {
      float* to = y + r * stride + c;
      const auto sums = Load(tile.sums[r] + c);
      _mm512_storeu_ps(to, add ? _mm512_add_ps(Load(to), sums) : sums);
    }
  }
}

}  // namespace mae::avx512
