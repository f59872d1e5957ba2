#include "kernels/packed_linear.h"

#include <algorithm>

#include "kernels/bf16_product.h"
#include "kernels/row_pieces.h"
#include "kernels/tile_finish.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::kPanel;
using avx512::Load;
using avx512::StoreBf16;
using avx512::Tile;

// 16 outputs of 16 inputs, which become 8 pairs: panel[pair][output].
MAE_AVX512 void PackSquare(const float* weight, int64_t inputs, int64_t width, uint16_t* panel) {
  alignas(64) uint16_t rows[kLanes * kLanes];
  for (int64_t o = 0; o < kLanes; ++o) StoreBf16(rows + o * kLanes, Load(weight + o * inputs));
  const auto places = _mm512_mullo_epi32(
      _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_epi32(kLanes / 2));
  for (int64_t p = 0; p < kLanes / 2; ++p) {
    _mm512_storeu_si512(panel + p * width * 2, _mm512_i32gather_epi32(places, rows + 2 * p, 4));
  }
}

// Two inputs of 16 outputs side by side.
MAE_AVX512 void PackPair(const float* even, const float* odd, uint16_t* panel) {
  const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(Load(even)));
  const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(Load(odd)));
  _mm512_storeu_si512(
      panel, _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16)));
}

// finish(tile, row, column, height, width) for each tile of the product.
template <typename Finish>
void Multiply(const uint16_t* x, int64_t rows, WorkTeam& team, const uint16_t* panels, int64_t inputs,
              int64_t outputs, const Finish& finish) {
  avx512::ForTiles(team, rows, outputs, [&](int64_t column, int64_t width, int64_t row, int64_t height) {
    Tile tile;
    avx512::ProductTile(x + row * inputs, inputs, avx512::kDense, height, panels + column * inputs, width,
                        inputs / 2, tile);
    finish(tile, row, column, height, width);
  });
}

}  // namespace

PackedLinear::PackedLinear(int64_t outputs, int64_t inputs)
    : panels_(AlignedArray<uint16_t>::Unset(static_cast<size_t>(outputs * inputs))),
      bias_(static_cast<size_t>(outputs)),
      inputs_(inputs),
      outputs_(outputs) {}

PackedLinear::PackedLinear(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : PackedLinear(outputs, inputs) {
  SetWeight(weight, bias, 0, outputs);
}

void PackedLinear::SetWeight(const float* weight, const float* bias, int64_t first, int64_t end) {
  if (bias != nullptr) std::copy(bias + first, bias + end, bias_.data() + first);
  for (int64_t o = first; o < end; o += kLanes) {
    const auto panel = o / kPanel * kPanel;
    const auto width = std::min(kPanel, outputs_ - panel);
    uint16_t* const to = panels_.data() + panel * inputs_ + (o - panel) * 2;
    for (int64_t i = 0; i < inputs_; i += kLanes)
      PackSquare(weight + o * inputs_ + i, inputs_, width, to + i * width);
  }
}

void PackedLinear::SetTransposed(const float* weight, int64_t first, int64_t end) {
  for (int64_t i = first; i < end; i += 2) {
    const float* const even = weight + i * outputs_;
    for (int64_t o = 0; o < outputs_; o += kLanes) {
      const auto panel = o / kPanel * kPanel;
      const auto width = std::min(kPanel, outputs_ - panel);
      PackPair(even + o, even + outputs_ + o, panels_.data() + panel * inputs_ + i * width + (o - panel) * 2);
    }
  }
}

void PackedLinear::Forward(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const {
  Multiply(x, rows, team, panels_.data(), inputs_, outputs_,
           [&](const Tile& tile, int64_t row, int64_t column, int64_t height, int64_t width) {
             avx512::Store(tile, height, width, bias_.data() + column, y + row * outputs_ + column, outputs_);
           });
}

void PackedLinear::ForwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const {
  Multiply(x, rows, team, panels_.data(), inputs_, outputs_,
           [&](const Tile& tile, int64_t row, int64_t column, int64_t height, int64_t width) {
             avx512::StoreGelu(tile, height, width, bias_.data() + column, y + row * outputs_ + column,
                               outputs_);
           });
}

void PackedLinear::ForwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* before,
                               uint16_t* y) const {
  Multiply(x, rows, team, panels_.data(), inputs_, outputs_,
           [&](const Tile& tile, int64_t row, int64_t column, int64_t height, int64_t width) {
             const auto at = row * outputs_ + column;
             avx512::StoreBeforeAndGelu(tile, height, width, bias_.data() + column, before + at, y + at,
                                        outputs_);
           });
}

void PackedLinear::BackwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, const uint16_t* before,
                                uint16_t* gradient, uint16_t* y) const {
  Multiply(x, rows, team, panels_.data(), inputs_, outputs_,
           [&](const Tile& tile, int64_t row, int64_t column, int64_t height, int64_t width) {
             const auto at = row * outputs_ + column;
             avx512::StoreGeluGradient(tile, height, width, before + at, gradient + at, y + at, outputs_);
           });
}

void PackedLinear::ForwardResidual(const uint16_t* x, int64_t rows, WorkTeam& team, const float* residual,
                                   const float* scales, float* y) const {
  Multiply(x, rows, team, panels_.data(), inputs_, outputs_,
           [&](const Tile& tile, int64_t row, int64_t column, int64_t height, int64_t width) {
             const auto at = row * outputs_ + column;
             avx512::StoreResidual(tile, height, width, bias_.data() + column, residual + at,
                                   scales == nullptr ? nullptr : scales + row, y + at, outputs_);
           });
}

void PackedLinear::ForwardAdd(const uint16_t* x, int64_t rows, WorkTeam& team, float* y) const {
  ForwardResidual(x, rows, team, y, nullptr, y);
}

}  // namespace mae
