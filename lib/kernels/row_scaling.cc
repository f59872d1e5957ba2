#include "kernels/row_scaling.h"

#include "kernels/avx512.h"

namespace mae {

MAE_AVX512 void ScaleToBf16(const float* x, int64_t rows, int64_t width, const float* scales, uint16_t* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto scale = _mm512_set1_ps(scales == nullptr ? 1.0F : scales[r]);
    for (int64_t c = 0; c < width; c += avx512::kLanes) {
      const auto at = r * width + c;
      avx512::StoreBf16(y + at, _mm512_mul_ps(avx512::Load(x + at), scale));
    }
  }
}

}  // namespace mae
