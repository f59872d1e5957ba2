#include "kernels/quantized_linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/avx512.h"
#include "kernels/row_pieces.h"
#include "kernels/tile_finish.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::kPanel;
using avx512::kTileRows;
using avx512::Load;
using avx512::LoadBf16;
using avx512::Tile;

// @return the scale; `zero` is the level that stands for 0.
MAE_AVX512 float QuantizeRow(const uint16_t* x, int64_t width, uint8_t* levels, int32_t& zero) {
  auto low = _mm512_setzero_ps(), high = _mm512_setzero_ps();  // 0 must have a level
  __mmask16 broken = 0;
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto values = LoadBf16(x + c);
    low = _mm512_min_ps(low, values);
    high = _mm512_max_ps(high, values);
    broken |= _mm512_cmp_ps_mask(_mm512_abs_ps(values), _mm512_set1_ps(INFINITY), _CMP_NLT_UQ);
  }
  if (broken != 0) {  // infinite or no number: so shall be all that is made of it
    zero = 0;
    std::fill(levels, levels + width, uint8_t{0});
    return NAN;
  }
  const float least = _mm512_reduce_min_ps(low), range = _mm512_reduce_max_ps(high) - least;
  const float scale = range > 0 ? range / 255.0F : 1.0F;
  zero = static_cast<int32_t>(std::lround(-least / scale));
  const auto inverse = _mm512_set1_ps(1.0F / scale);
  const auto shift = _mm512_set1_epi32(zero);
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto level = _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(LoadBf16(x + c), inverse)), shift);
    const auto bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(level, _mm512_setzero_si512()));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(levels + c), bytes);
  }
  return scale;
}

template <int Rows, int Vectors>
MAE_AVX512 void Product(const uint8_t* a, int64_t stride, const int8_t* panel, int64_t fours,
                        int32_t (&tile)[kTileRows][kPanel]) {
  __m512i sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sums[r][v] = _mm512_setzero_si512();
  }
  for (int64_t p = 0; p < fours; ++p) {
    __m512i columns[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) columns[v] = _mm512_loadu_si512(panel + (p * Vectors + v) * 4 * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      int32_t four;
      __builtin_memcpy(&four, a + r * stride + 4 * p, sizeof(four));
      const auto row = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], row, columns[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) _mm512_store_si512(tile[r] + v * kLanes, sums[r][v]);
  }
}

using ProductOf = void (*)(const uint8_t*, int64_t, const int8_t*, int64_t, int32_t (&)[kTileRows][kPanel]);

template <int Rows>
constexpr ProductOf kProducts[4] = {&Product<Rows, 1>, &Product<Rows, 2>, &Product<Rows, 3>,
                                    &Product<Rows, 4>};

constexpr const ProductOf* kByRows[kTileRows] = {kProducts<1>, kProducts<2>, kProducts<3>,
                                                 kProducts<4>, kProducts<5>, kProducts<6>};

// Integer sums of one row to float32: scale * weight's scale * (sum - zero * sum of the weight's levels).
MAE_AVX512 void Dequantize(const int32_t* sums, int64_t width, float scale, int32_t zero, const float* scales,
                           const int32_t* weight_sums, float* to) {
  for (int64_t c = 0; c < width; c += kLanes) {
    const auto shift = _mm512_mullo_epi32(_mm512_set1_epi32(zero), _mm512_loadu_si512(weight_sums + c));
    const auto sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_loadu_si512(sums + c), shift));
    _mm512_store_ps(to + c, _mm512_mul_ps(sum, _mm512_mul_ps(_mm512_set1_ps(scale), Load(scales + c))));
  }
}

struct Weights {
  const int8_t* panels;
  const float *scales, *bias;
  const int32_t* sums;
  int64_t inputs, outputs;
};

template <typename Output>
void Multiply(const QuantizedRows& x, WorkTeam& team, const Weights& weights, Output* y,
              avx512::Finish<Output> finish) {
  avx512::ForTiles(
      team, x.rows(), weights.outputs, [&](int64_t column, int64_t width, int64_t row, int64_t height) {
        alignas(64) int32_t sums[kTileRows][kPanel];
        Tile tile;
        kByRows[height - 1][width / kLanes - 1](x.levels() + row * weights.inputs, weights.inputs,
                                                weights.panels + column * weights.inputs, weights.inputs / 4,
                                                sums);
        for (int64_t r = 0; r < height; ++r) {
          Dequantize(sums[r], width, x.scale(row + r), x.zero(row + r), weights.scales + column,
                     weights.sums + column, tile.sums[r]);
        }
        finish(tile, height, width, weights.bias + column, y + row * weights.outputs + column,
               weights.outputs);
      });
}

}  // namespace

QuantizedRows::QuantizedRows(int64_t max_rows, int64_t max_width)
    : levels_(static_cast<size_t>(max_rows * max_width)),
      scales_(static_cast<size_t>(max_rows)),
      zeros_(static_cast<size_t>(max_rows)) {}

void QuantizedRows::Set(const uint16_t* x, int64_t rows, int64_t width, WorkTeam& team) {
  rows_ = rows;
  avx512::ForRowPieces(team, rows, [&](int64_t first, int64_t end, int64_t) {
    for (int64_t r = first; r < end; ++r) {
      const auto row = static_cast<size_t>(r);
      scales_[row] = QuantizeRow(x + r * width, width, levels_.data() + r * width, zeros_[row]);
    }
  });
}

QuantizedLinear::QuantizedLinear(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : panels_(static_cast<size_t>(outputs * inputs)),
      scales_(static_cast<size_t>(outputs)),
      bias_(static_cast<size_t>(outputs)),
      weight_sums_(static_cast<size_t>(outputs)),
      inputs_(inputs),
      outputs_(outputs) {
  if (bias != nullptr) std::copy(bias, bias + outputs, bias_.data());
  for (int64_t o = 0; o < outputs; ++o) {
    const float* row = weight + o * inputs;
    float largest = 0;
    for (int64_t i = 0; i < inputs; ++i) largest = std::max(largest, std::abs(row[i]));
    float scale = largest > 0 ? largest / 127.0F : 1.0F;
    if (!std::all_of(row, row + inputs, [](float value) { return std::isfinite(value); })) scale = NAN;
    scales_.data()[o] = scale;
    const auto panel = o / kPanel * kPanel;
    const auto width = std::min(kPanel, outputs - panel);
    int8_t* to = panels_.data() + panel * inputs + (o - panel) * 4;
    for (int64_t i = 0; i < inputs; ++i) {
      const auto level = static_cast<int8_t>(std::isnan(scale) ? 0 : std::lround(row[i] / scale));
      to[i / 4 * width * 4 + i % 4] = level;
      weight_sums_.data()[o] += level;
    }
  }
}

void QuantizedLinear::Forward(const QuantizedRows& x, WorkTeam& team, uint16_t* y) const {
  Multiply(x, team, {panels_.data(), scales_.data(), bias_.data(), weight_sums_.data(), inputs_, outputs_}, y,
           &avx512::Store);
}

void QuantizedLinear::ForwardGelu(const QuantizedRows& x, WorkTeam& team, uint16_t* y) const {
  Multiply(x, team, {panels_.data(), scales_.data(), bias_.data(), weight_sums_.data(), inputs_, outputs_}, y,
           &avx512::StoreGelu);
}

void QuantizedLinear::ForwardAdd(const QuantizedRows& x, WorkTeam& team, float* y) const {
  Multiply(x, team, {panels_.data(), scales_.data(), bias_.data(), weight_sums_.data(), inputs_, outputs_}, y,
           &avx512::StoreAdd);
}

}  // namespace mae
