#include "kernels/weight_gradient.h"

#include <algorithm>

#include "kernels/bf16_product.h"
#include "kernels/row_pairs.h"
#include "kernels/tile_finish.h"

namespace mae {
namespace {

using avx512::kPanel;
using avx512::kTileRows;

static_assert(kOutputGroup == 2 * kTileRows);
// Pairs of rows that are summed before a tile goes back to memory: a panel of inputs stays in the first-level
// cache meanwhile.
constexpr int64_t kPairsTogether = 128;

}  // namespace

PairedInputs::PairedInputs(int64_t max_rows, int64_t width)
    : width_(width), values_(static_cast<size_t>((max_rows + 1) / 2 * 2 * width)) {}

int64_t PairedInputs::panels() const { return (width_ + kPanel - 1) / kPanel; }

int64_t PairedInputs::PanelStart(int64_t index) const { return index * kPanel * ((rows_ + 1) / 2 * 2); }

void PairedInputs::Set(int64_t panel, const uint16_t* x) {
  const auto column = panel * kPanel;
  avx512::PairRows(x + column, rows_, width_, std::min(kPanel, width_ - column),
                   values_.data() + PanelStart(panel), nullptr);
}

void WeightGradient(const uint16_t* dy, int64_t outputs, int64_t first, int64_t end, const PairedInputs& x,
                    bool add, float* weight, float* bias) {
  const auto pairs = (x.rows() + 1) / 2, inputs = x.width();
  AlignedArray<uint16_t> group(static_cast<size_t>(pairs * 2 * kOutputGroup));
  if (bias != nullptr && !add) std::fill(bias + first, bias + end, 0.0F);
  avx512::Tile tile;
  for (int64_t o = first; o < end; o += kOutputGroup) {
    const auto height = std::min(kOutputGroup, end - o);
    avx512::PairRows(dy + o, x.rows(), outputs, height, group.data(), bias == nullptr ? nullptr : bias + o);
    for (int64_t i = 0; i < inputs; i += kPanel) {
      const auto width = std::min(kPanel, inputs - i);
      for (int64_t p = 0; p < pairs; p += kPairsTogether) {
        const auto depth = std::min(kPairsTogether, pairs - p);
        const uint16_t* panel = x.panel(i / kPanel) + p * width * 2;
        for (int64_t r = 0; r < height; r += kTileRows) {
          const auto rows = std::min(kTileRows, height - r);
          avx512::ProductTile(group.data() + (p * height + r) * 2, 2, 2 * height, rows, panel, width, depth,
                              tile);
          avx512::Accumulate(tile, rows, width, add || p > 0, weight + (o + r) * inputs + i, inputs);
        }
      }
    }
  }
}

}  // namespace mae
