#include "kernels/layer_norm_gradient.h"

#include "kernels/avx512.h"
#include "kernels/row_statistics.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::Load;
using avx512::LoadBf16;

// dx = scale * (g - mean(g) - n * mean(g * n)), where g = weight * dy and n is the normalised row; and the
// shares of the row in the parameters' gradients, where they are wanted.
MAE_AVX512 void RowGradient(const float* x, const uint16_t* dy, int64_t dim, const float* weight, float eps,
                            const float* before, float* dx, float* weight_gradient, float* bias_gradient) {
  const auto [mean, scale] = avx512::StatisticsOf(x, dim, eps);
  auto sum = _mm512_setzero_ps(), product = _mm512_setzero_ps();
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto normal = _mm512_mul_ps(_mm512_sub_ps(Load(x + c), mean), scale);
    const auto gradient = LoadBf16(dy + c), g = _mm512_mul_ps(Load(weight + c), gradient);
    sum = _mm512_add_ps(sum, g);
    product = _mm512_fmadd_ps(g, normal, product);
    if (weight_gradient == nullptr) continue;
    _mm512_storeu_ps(weight_gradient + c, _mm512_fmadd_ps(gradient, normal, Load(weight_gradient + c)));
    _mm512_storeu_ps(bias_gradient + c, _mm512_add_ps(gradient, Load(bias_gradient + c)));
  }
  const auto size = static_cast<float>(dim);
  const auto shift = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / size);
  const auto slope = _mm512_set1_ps(_mm512_reduce_add_ps(product) / size);
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto normal = _mm512_mul_ps(_mm512_sub_ps(Load(x + c), mean), scale);
    const auto g = _mm512_mul_ps(Load(weight + c), LoadBf16(dy + c));
    const auto own = _mm512_fnmadd_ps(normal, slope, _mm512_sub_ps(g, shift));
    _mm512_storeu_ps(dx + c, _mm512_fmadd_ps(scale, own, Load(before + c)));
  }
}

}  // namespace

void LayerNormGradient(const float* x, const uint16_t* dy, int64_t rows, int64_t dim, const float* weight,
                       float eps, const float* before, float* dx, float* weight_gradient,
                       float* bias_gradient) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto at = r * dim;
    RowGradient(x + at, dy + at, dim, weight, eps, before + at, dx + at, weight_gradient, bias_gradient);
  }
}

}  // namespace mae
