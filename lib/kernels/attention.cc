#include "kernels/attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention_panels.h"
#include "kernels/bf16_product.h"
#include "kernels/row_pieces.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::kPanel;
using avx512::kTileRows;
using avx512::Load;
using avx512::RoundUp;
using avx512::Tile;

// e^(scale * (score - the largest)) of one row, `tokens` of them, zeros up to the next multiple of 16.
// @return their sum.
MAE_AVX512 float Exponentiate(const float* scores, int64_t tokens, float scale, uint16_t* shares) {
  auto top = _mm512_set1_ps(-INFINITY);
  for (int64_t t = 0; t < tokens; t += kLanes) {
    top = _mm512_mask_max_ps(top, avx512::FirstLanes(tokens - t), top, Load(scores + t));
  }
  const auto largest = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  const auto factor = _mm512_set1_ps(scale * 1.44269504F);
  auto sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < tokens; t += kLanes) {
    const auto power = _mm512_mul_ps(_mm512_sub_ps(Load(scores + t), largest), factor);
    const auto share = _mm512_maskz_mov_ps(avx512::FirstLanes(tokens - t), avx512::Exp2(power));
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

void BlockAttention::Forward(const uint16_t* qkv, int64_t tokens, WorkTeam& team, uint16_t* mixed,
                             int64_t first_query) {
  team.Run(2 * num_heads_,
           [&](int64_t piece, int64_t) { Pack(qkv, tokens, piece / 2, /*keys=*/piece % 2 == 0); });
  const auto queries = tokens - first_query, parts = avx512::RowPieces(queries);
  const uint16_t* const asked = qkv + first_query * 3 * num_heads_ * head_dim_;
  team.Run(num_heads_ * parts, [&](int64_t piece, int64_t member) {
    const auto first = piece % parts * avx512::kPieceRows;
    Mix(asked, tokens, piece / parts, first, std::min(first + avx512::kPieceRows, queries), member, mixed);
  });
}

void BlockAttention::Pack(const uint16_t* qkv, int64_t tokens, int64_t head, bool keys) {
  const auto dim = num_heads_ * head_dim_, room = head * max_columns_ * head_dim_;
  const uint16_t* from = qkv + head * head_dim_ + (keys ? dim : 2 * dim);
  if (keys) return avx512::PairColumns(from, 3 * dim, tokens, head_dim_, keys_.data() + room);
  avx512::PairTokens(from, 3 * dim, tokens, head_dim_, values_.data() + room);
}

void BlockAttention::Mix(const uint16_t* asked, int64_t tokens, int64_t head, int64_t first, int64_t end,
                         int64_t member, uint16_t* mixed) {
  const auto dim = num_heads_ * head_dim_, stride = 3 * dim, columns = RoundUp(tokens);
  const uint16_t* const q = asked + head * head_dim_;
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
      avx512::ProductTile(q + row * stride, stride, avx512::kDense, rows, keys + c * head_dim_, width,
                          head_dim_ / 2, tile);
      for (int64_t r = 0; r < rows; ++r) std::copy_n(tile.sums[r], width, scores + r * columns + c);
    }
    float inverse[kTileRows];
    for (int64_t r = 0; r < rows; ++r) {
      inverse[r] = 1.0F / Exponentiate(scores + r * columns, tokens, scale, shares + r * columns);
    }
    for (int64_t c = 0; c < head_dim_; c += kPanel) {
      const auto width = std::min(kPanel, head_dim_ - c);
      avx512::ProductTile(shares, columns, avx512::kDense, rows, values + c * columns, width, columns / 2,
                          tile);
      for (int64_t r = 0; r < rows; ++r)
        StoreScaled(tile.sums[r], width, inverse[r], mixed + (row + r) * dim + c);
    }
  }
}

}  // namespace mae
