#include "kernels/attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/bf16_product.h"
#include "kernels/row_pieces.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::kPanel;
using avx512::kTileRows;
using avx512::Load;
using avx512::Tile;

int64_t RoundUp(int64_t value) { return (value + kLanes - 1) / kLanes * kLanes; }

// Keys as the columns of a product: [head_dim / 2][width][2] a panel. Columns past the last key stay what
// they were, numbers or not: what comes of them is masked (Exponentiate).
void PackKeys(const uint16_t* k, int64_t stride, int64_t tokens, int64_t head_dim, uint16_t* panels) {
  const auto columns = RoundUp(tokens);
  for (int64_t first = 0; first < tokens; first += kPanel) {
    const auto width = std::min(kPanel, columns - first);
    for (int64_t t = first; t < std::min(first + kPanel, tokens); ++t) {
      uint16_t* to = panels + first * head_dim + (t - first) * 2;
      for (int64_t p = 0; p < head_dim / 2; ++p) {
        __builtin_memcpy(to + p * width * 2, k + t * stride + p * 2, 2 * sizeof(uint16_t));
      }
    }
  }
}

// Values as the columns of a product over tokens: [tokens / 2][width][2] a panel, zeros past the last token.
void PackValues(const uint16_t* v, int64_t stride, int64_t tokens, int64_t head_dim, uint16_t* panels) {
  const auto rows = RoundUp(tokens);
  for (int64_t first = 0; first < head_dim; first += kPanel) {
    const auto width = std::min(kPanel, head_dim - first);
    uint16_t* to = panels + first * rows;
    for (int64_t t = 0; t < rows; t += 2, to += width * 2) {
      const uint16_t* even = v + t * stride + first;
      for (int64_t c = 0; c < width; ++c) to[c * 2] = t < tokens ? even[c] : 0;
      for (int64_t c = 0; c < width; ++c) to[c * 2 + 1] = t + 1 < tokens ? even[stride + c] : 0;
    }
  }
}

// e^(scale * (score - the largest)) of one row, `tokens` of them, zeros up to the next multiple of 16.
// @return their sum.
MAE_AVX512 float Exponentiate(const float* scores, int64_t tokens, float scale, uint16_t* shares) {
  const auto lanes = [tokens](int64_t t) {
    return static_cast<__mmask16>(tokens - t >= kLanes ? 0xffff : (1 << (tokens - t)) - 1);
  };
  auto top = _mm512_set1_ps(-INFINITY);
  for (int64_t t = 0; t < tokens; t += kLanes) {
    top = _mm512_mask_max_ps(top, lanes(t), top, Load(scores + t));
  }
  const auto largest = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  const auto factor = _mm512_set1_ps(scale * 1.44269504F);
  auto sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < tokens; t += kLanes) {
    const auto power = _mm512_mul_ps(_mm512_sub_ps(Load(scores + t), largest), factor);
    const auto share = _mm512_maskz_mov_ps(lanes(t), avx512::Exp2(power));
    sum = _mm512_add_ps(sum, share);
    avx512::StoreBf16(shares + t, share);
  }
  return _mm512_reduce_add_ps(sum);
}

MAE_AVX512 void StoreScaled(const float* sums, int64_t width, float scale, uint16_t* to) {
  for (int64_t c = 0; c < width; c += kLanes) {
    avx512::StoreBf16(to + c, _mm512_mul_ps(Load(sums + c), _mm512_set1_ps(scale)));
  }
}

}  // namespace

BlockAttention::BlockAttention(int64_t max_tokens, int64_t num_heads, int64_t head_dim, int64_t members)
    : num_heads_(num_heads),
      head_dim_(head_dim),
      max_columns_(RoundUp(max_tokens)),
      keys_(static_cast<size_t>(num_heads * max_columns_ * head_dim)),
      values_(static_cast<size_t>(num_heads * max_columns_ * head_dim)),
      scores_(static_cast<size_t>(members * kTileRows * max_columns_)),
      shares_(static_cast<size_t>(members * kTileRows * max_columns_)) {}

void BlockAttention::Forward(const uint16_t* qkv, int64_t tokens, WorkTeam& team, uint16_t* mixed) {
  team.Run(2 * num_heads_,
           [&](int64_t piece, int64_t) { Pack(qkv, tokens, piece / 2, /*keys=*/piece % 2 == 0); });
  const auto parts = avx512::RowPieces(tokens);
  team.Run(num_heads_ * parts, [&](int64_t piece, int64_t member) {
    const auto first = piece % parts * avx512::kPieceRows;
    Mix(qkv, tokens, piece / parts, first, std::min(first + avx512::kPieceRows, tokens), member, mixed);
  });
}

void BlockAttention::Pack(const uint16_t* qkv, int64_t tokens, int64_t head, bool keys) {
  const auto dim = num_heads_ * head_dim_, room = head * max_columns_ * head_dim_;
  const uint16_t* from = qkv + head * head_dim_ + (keys ? dim : 2 * dim);
  if (keys) return PackKeys(from, 3 * dim, tokens, head_dim_, keys_.data() + room);
  PackValues(from, 3 * dim, tokens, head_dim_, values_.data() + room);
}

void BlockAttention::Mix(const uint16_t* qkv, int64_t tokens, int64_t head, int64_t first, int64_t end,
                         int64_t member, uint16_t* mixed) {
  const auto dim = num_heads_ * head_dim_, stride = 3 * dim, columns = RoundUp(tokens);
  const uint16_t* const q = qkv + head * head_dim_;
  const uint16_t* const keys = keys_.data() + head * max_columns_ * head_dim_;
  const uint16_t* const values = values_.data() + head * max_columns_ * head_dim_;
  float* const scores = scores_.data() + member * kTileRows * max_columns_;
  uint16_t* const shares = shares_.data() + member * kTileRows * max_columns_;
  mixed += head * head_dim_;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim_));
  Tile tile;
  for (int64_t row = first; row < end; row += kTileRows) {
    const auto rows = std::min(kTileRows, end - row);
    for (int64_t c = 0; c < columns; c += kPanel) {
      const auto width = std::min(kPanel, columns - c);
      avx512::ProductTile(q + row * stride, stride, rows, keys + c * head_dim_, width, head_dim_ / 2, tile);
      for (int64_t r = 0; r < rows; ++r) std::copy_n(tile.sums[r], width, scores + r * columns + c);
    }
    float inverse[kTileRows];
    for (int64_t r = 0; r < rows; ++r) {
      inverse[r] = 1.0F / Exponentiate(scores + r * columns, tokens, scale, shares + r * columns);
    }
    for (int64_t c = 0; c < head_dim_; c += kPanel) {
      const auto width = std::min(kPanel, head_dim_ - c);
      avx512::ProductTile(shares, columns, rows, values + c * columns, width, columns / 2, tile);
      for (int64_t r = 0; r < rows; ++r)
        StoreScaled(tile.sums[r], width, inverse[r], mixed + (row + r) * dim + c);
    }
  }
}

}  // namespace mae
