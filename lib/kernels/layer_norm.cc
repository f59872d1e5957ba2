#include "kernels/layer_norm.h"

#include "kernels/avx512.h"
#include "kernels/row_pieces.h"
#include "kernels/row_statistics.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::Load;

MAE_AVX512 void NormalizeRow(const float* x, int64_t dim, const float* weight, const float* bias, float eps,
                             uint16_t* y) {
  const auto [mean, scale] = avx512::StatisticsOf(x, dim, eps);
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto normal = _mm512_mul_ps(_mm512_sub_ps(Load(x + c), mean), scale);
    avx512::StoreBf16(y + c, _mm512_fmadd_ps(normal, Load(weight + c), Load(bias + c)));
  }
}

}  // namespace

void LayerNormToBf16(const float* x, int64_t rows, int64_t dim, const float* weight, const float* bias,
                     float eps, WorkTeam& team, uint16_t* y) {
  avx512::ForRowPieces(team, rows, [=](int64_t first, int64_t end, int64_t) {
    for (int64_t r = first; r < end; ++r) NormalizeRow(x + r * dim, dim, weight, bias, eps, y + r * dim);
  });
}

}  // namespace mae
