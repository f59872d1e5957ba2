#include "kernels/layer_norm_gradient.h"

#include <cmath>

#include "kernels/avx512.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::Load;
using avx512::LoadBf16;

struct RowStatistics {
  float mean, scale;  // (x - mean) * scale is normalised
};

MAE_AVX512 RowStatistics StatisticsOf(const float* x, int64_t dim, float eps) {
  auto sum = _mm512_setzero_ps();
  for (int64_t c = 0; c < dim; c += kLanes) sum = _mm512_add_ps(sum, Load(x + c));
  const auto size = static_cast<float>(dim);
  const float mean = _mm512_reduce_add_ps(sum) / size;
  auto squares = _mm512_setzero_ps();
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto distance = _mm512_sub_ps(Load(x + c), _mm512_set1_ps(mean));
    squares = _mm512_fmadd_ps(distance, distance, squares);
  }
  return {mean, 1.0F / std::sqrt(_mm512_reduce_add_ps(squares) / size + eps)};
}

// dx = scale * (g - mean(g) - n * mean(g * n)), where g = weight * dy and n is the normalised row.
MAE_AVX512 void RowGradient(const float* x, const RowStatistics& statistics, const uint16_t* dy, int64_t dim,
                            const float* weight, const float* before, float* dx) {
  const auto mean = _mm512_set1_ps(statistics.mean), scale = _mm512_set1_ps(statistics.scale);
  auto sum = _mm512_setzero_ps(), product = _mm512_setzero_ps();
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto normal = _mm512_mul_ps(_mm512_sub_ps(Load(x + c), mean), scale);
    const auto g = _mm512_mul_ps(Load(weight + c), LoadBf16(dy + c));
    sum = _mm512_add_ps(sum, g);
    product = _mm512_fmadd_ps(g, normal, product);
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

MAE_AVX512 void AddParameterGradients(const float* x, const RowStatistics& statistics, const uint16_t* dy,
                                      int64_t dim, float* weight_gradient, float* bias_gradient) {
  const auto mean = _mm512_set1_ps(statistics.mean), scale = _mm512_set1_ps(statistics.scale);
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto g = LoadBf16(dy + c);
    const auto normal = _mm512_mul_ps(_mm512_sub_ps(Load(x + c), mean), scale);
    _mm512_storeu_ps(weight_gradient + c, _mm512_fmadd_ps(g, normal, Load(weight_gradient + c)));
    _mm512_storeu_ps(bias_gradient + c, _mm512_add_ps(g, Load(bias_gradient + c)));
  }
}

}  // namespace

void LayerNormGradient(const float* x, const uint16_t* dy, int64_t rows, int64_t dim, const float* weight,
                       float eps, const float* before, float* dx, float* weight_gradient,
                       float* bias_gradient) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto at = r * dim;
    const auto statistics = StatisticsOf(x + at, dim, eps);
    if (weight_gradient != nullptr) {
      AddParameterGradients(x + at, statistics, dy + at, dim, weight_gradient, bias_gradient);
    }
    RowGradient(x + at, statistics, dy + at, dim, weight, before + at, dx + at);
  }
}

}  // namespace mae
