#include "kernels/packed_linear.h"

#include <algorithm>

#include "kernels/bf16_product.h"
#include "kernels/row_pieces.h"
#include "kernels/tile_finish.h"

namespace mae {
namespace {

using avx512::kPanel;
using avx512::Tile;

uint16_t ToBf16(float value) {
  uint32_t bits;
  static_assert(sizeof(bits) == sizeof(value));
  __builtin_memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffffU) > 0x7f800000U)
    return static_cast<uint16_t>((bits >> 16) | 0x40U);  // NaN stays one
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

template <typename Output>
void Multiply(const uint16_t* x, int64_t rows, WorkTeam& team, const uint16_t* panels, const float* bias,
              int64_t inputs, int64_t outputs, Output* y, avx512::Finish<Output> finish) {
  avx512::ForTiles(team, rows, outputs, [=](int64_t column, int64_t width, int64_t row, int64_t height) {
    Tile tile;
    avx512::ProductTile(x + row * inputs, inputs, height, panels + column * inputs, width, inputs / 2, tile);
    finish(tile, height, width, bias + column, y + row * outputs + column, outputs);
  });
}

}  // namespace

PackedLinear::PackedLinear(const float* weight, const float* bias, int64_t outputs, int64_t inputs)
    : panels_(static_cast<size_t>(outputs * inputs)),
      bias_(static_cast<size_t>(outputs)),
      inputs_(inputs),
      outputs_(outputs) {
  if (bias != nullptr) std::copy(bias, bias + outputs, bias_.data());
  for (int64_t o = 0; o < outputs; ++o) {
    const auto panel = o / kPanel * kPanel;
    const auto width = std::min(kPanel, outputs - panel);
    uint16_t* to = panels_.data() + panel * inputs + (o - panel) * 2;
    for (int64_t i = 0; i < inputs; ++i) to[i / 2 * width * 2 + i % 2] = ToBf16(weight[o * inputs + i]);
  }
}

void PackedLinear::Forward(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const {
  Multiply(x, rows, team, panels_.data(), bias_.data(), inputs_, outputs_, y, &avx512::Store);
}

void PackedLinear::ForwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const {
  Multiply(x, rows, team, panels_.data(), bias_.data(), inputs_, outputs_, y, &avx512::StoreGelu);
}

void PackedLinear::ForwardAdd(const uint16_t* x, int64_t rows, WorkTeam& team, float* y) const {
  Multiply(x, rows, team, panels_.data(), bias_.data(), inputs_, outputs_, y, &avx512::StoreAdd);
}

}  // namespace mae
