#include "kernels/attention_gradient.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention_panels.h"
#include "kernels/bf16_product.h"
#include "kernels/row_pairs.h"

namespace mae {
namespace {

using avx512::kLanes;
using avx512::kPanel;
using avx512::kTileRows;
using avx512::Load;
using avx512::RoundUp;
using avx512::Tile;

// One query: the softmax of its scores, and backwards through it (p * (dp - sum of p * dp) * scale). Zeros
// past the last token.
MAE_AVX512 void SoftmaxGradient(float* scores, const float* dp, int64_t tokens, float scale, uint16_t* shares,
                                uint16_t* gradients) {
  auto top = _mm512_set1_ps(-INFINITY);
  for (int64_t t = 0; t < tokens; t += kLanes) {
    top = _mm512_mask_max_ps(top, avx512::FirstLanes(tokens - t), top, Load(scores + t));
  }
  const auto largest = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  const auto factor = _mm512_set1_ps(scale * 1.44269504F);
  auto sum = _mm512_setzero_ps(), product = _mm512_setzero_ps();
  for (int64_t t = 0; t < tokens; t += kLanes) {
    const auto lanes = avx512::FirstLanes(tokens - t);
    const auto power = _mm512_mul_ps(_mm512_sub_ps(Load(scores + t), largest), factor);
    const auto share = _mm512_maskz_mov_ps(lanes, avx512::Exp2(power));
    sum = _mm512_add_ps(sum, share);
    product = _mm512_mask3_fmadd_ps(share, Load(dp + t), product, lanes);
    _mm512_storeu_ps(scores + t, share);
  }
  const float inverse = 1.0F / _mm512_reduce_add_ps(sum);
  const auto mean = _mm512_set1_ps(_mm512_reduce_add_ps(product) * inverse);
  for (int64_t t = 0; t < tokens; t += kLanes) {
    const auto share = _mm512_mul_ps(Load(scores + t), _mm512_set1_ps(inverse));
    const auto slope = _mm512_mul_ps(_mm512_sub_ps(Load(dp + t), mean), _mm512_set1_ps(scale));
    avx512::StoreBf16(shares + t, share);
    avx512::StoreBf16(gradients + t, _mm512_maskz_mul_ps(avx512::FirstLanes(tokens - t), share, slope));
  }
}

MAE_AVX512 void StoreRows(const Tile& tile, int64_t rows, int64_t width, uint16_t* to, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < width; c += kLanes)
      avx512::StoreBf16(to + r * stride + c, Load(tile.sums[r] + c));
  }
}

// Rows times panels of `columns` columns, each of `panel_rows` values, of which 2 * pairs are summed; rows as
// ProductTile takes them.
void Multiply(const uint16_t* a, int64_t stride, int64_t pair_stride, int64_t rows, const uint16_t* panels,
              int64_t columns, int64_t panel_rows, int64_t pairs, uint16_t* to, int64_t to_stride) {
  Tile tile;
  for (int64_t c = 0; c < columns; c += kPanel) {
    const auto width = std::min(kPanel, columns - c);
    for (int64_t r = 0; r < rows; r += kTileRows) {
      const auto height = std::min(kTileRows, rows - r);
      avx512::ProductTile(a + r * stride, stride, pair_stride, height, panels + c * panel_rows, width, pairs,
                          tile);
      StoreRows(tile, height, width, to + r * to_stride + c, to_stride);
    }
  }
}

// The scores of some queries, or the like, against all tokens.
void AgainstTokens(const uint16_t* a, int64_t stride, int64_t rows, const uint16_t* panels, int64_t columns,
                   int64_t head_dim, float* to) {
  Tile tile;
  for (int64_t c = 0; c < columns; c += kPanel) {
    const auto width = std::min(kPanel, columns - c);
    avx512::ProductTile(a, stride, avx512::kDense, rows, panels + c * head_dim, width, head_dim / 2, tile);
    for (int64_t r = 0; r < rows; ++r) std::copy_n(tile.sums[r], width, to + r * columns + c);
  }
}

}  // namespace

AttentionGradient::AttentionGradient(int64_t max_tokens, int64_t num_heads, int64_t head_dim)
    : num_heads_(num_heads), head_dim_(head_dim) {
  const auto columns = RoundUp(max_tokens);
  for (auto* panels : {&keys_, &values_, &key_tokens_, &query_tokens_, &mixed_tokens_}) {
    *panels = AlignedArray<uint16_t>(static_cast<size_t>(columns * head_dim));
  }
  for (auto* rows : {&scores_, &share_gradients_}) {
    *rows = AlignedArray<float>(static_cast<size_t>(kTileRows * columns));
  }
  for (auto* rows : {&shares_, &score_gradients_, &pairs_}) {
    *rows = AlignedArray<uint16_t>(static_cast<size_t>(columns * columns));
  }
}

void AttentionGradient::Backward(const uint16_t* qkv, int64_t tokens, int64_t first_query,
                                 const uint16_t* mixed_gradient, uint16_t* gradient) {
  for (int64_t h = 0; h < num_heads_; ++h) {
    const auto at = h * head_dim_;
    Head(qkv + at, tokens, first_query, mixed_gradient + at, gradient + at);
  }
}

void AttentionGradient::Scores(const uint16_t* q, int64_t queries, int64_t tokens,
                               const uint16_t* mixed_gradient) {
  const auto dim = num_heads_ * head_dim_, columns = RoundUp(tokens);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim_));
  for (int64_t row = 0; row < queries; row += kTileRows) {
    const auto rows = std::min(kTileRows, queries - row);
    AgainstTokens(q + row * 3 * dim, 3 * dim, rows, keys_.data(), columns, head_dim_, scores_.data());
    AgainstTokens(mixed_gradient + row * dim, dim, rows, values_.data(), columns, head_dim_,
                  share_gradients_.data());
    for (int64_t r = 0; r < rows; ++r) {
      SoftmaxGradient(scores_.data() + r * columns, share_gradients_.data() + r * columns, tokens, scale,
                      shares_.data() + (row + r) * columns, score_gradients_.data() + (row + r) * columns);
    }
  }
}

void AttentionGradient::Head(const uint16_t* q, int64_t tokens, int64_t first_query,
                             const uint16_t* mixed_gradient, uint16_t* gradient) {
  const auto dim = num_heads_ * head_dim_, stride = 3 * dim, columns = RoundUp(tokens);
  const auto queries = tokens - first_query, query_pairs = (queries + 1) / 2, query_rows = RoundUp(queries);
  const uint16_t* const asked = q + first_query * stride;
  avx512::PairColumns(q + dim, stride, tokens, head_dim_, keys_.data());
  avx512::PairColumns(q + 2 * dim, stride, tokens, head_dim_, values_.data());
  avx512::PairTokens(q + dim, stride, tokens, head_dim_, key_tokens_.data());
  avx512::PairTokens(asked, stride, queries, head_dim_, query_tokens_.data());
  avx512::PairTokens(mixed_gradient, dim, queries, head_dim_, mixed_tokens_.data());
  Scores(asked, queries, tokens, mixed_gradient);

  for (int64_t t = 0; t < first_query; ++t) std::fill_n(gradient + t * stride, head_dim_, uint16_t{0});
  Multiply(score_gradients_.data(), columns, avx512::kDense, queries, key_tokens_.data(), head_dim_, columns,
           columns / 2, gradient + first_query * stride, stride);
  avx512::PairRows(score_gradients_.data(), queries, columns, columns, pairs_.data(), nullptr);
  Multiply(pairs_.data(), 2, 2 * columns, tokens, query_tokens_.data(), head_dim_, query_rows, query_pairs,
           gradient + dim, stride);
  avx512::PairRows(shares_.data(), queries, columns, columns, pairs_.data(), nullptr);
  Multiply(pairs_.data(), 2, 2 * columns, tokens, mixed_tokens_.data(), head_dim_, query_rows, query_pairs,
           gradient + 2 * dim, stride);
}

}  // namespace mae
