#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

struct AttentionShape {
  int64_t tokens, num_heads, head_dim;
};

class BlockAttentionTest : public testing::TestWithParam<AttentionShape> {
 protected:
  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  }

  double At(int64_t part, int64_t token, int64_t head, int64_t column) const {
    const auto [tokens, heads, dim] = GetParam();
    return ToFloat(qkv_.data()[((token * 3 + part) * heads + head) * dim + column]);
  }

  // What a query reads, in double.
  std::vector<double> Exact(int64_t query, int64_t head) const {
    const auto [tokens, heads, dim] = GetParam();
    std::vector<double> shares(static_cast<size_t>(tokens)), mixed(static_cast<size_t>(dim));
    double sum = 0;
    for (int64_t t = 0; t < tokens; ++t) {
      double score = 0;
      for (int64_t c = 0; c < dim; ++c) score += At(0, query, head, c) * At(1, t, head, c);
      sum += shares[static_cast<size_t>(t)] = std::exp(score / std::sqrt(static_cast<double>(dim)));
    }
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t c = 0; c < dim; ++c) {
        mixed[static_cast<size_t>(c)] += shares[static_cast<size_t>(t)] / sum * At(2, t, head, c);
      }
    }
    return mixed;
  }

  const AlignedArray<uint16_t> qkv_ =
      NormalBf16(GetParam().tokens * 3 * GetParam().num_heads * GetParam().head_dim, 1.5, 1);
};

TEST_P(BlockAttentionTest, MixesValuesBySoftmax) {
  const auto [tokens, heads, dim] = GetParam();
  BlockAttention attention(tokens + 40, heads, dim, 1);
  WorkTeam alone;
  std::vector<uint16_t> mixed(static_cast<size_t>(tokens * heads * dim));
  // What a longer sequence left in the room must not be seen.
  AlignedArray<uint16_t> longer(static_cast<size_t>((tokens + 40) * 3 * heads * dim));
  std::fill(longer.data(), longer.data() + longer.size(), uint16_t{0x7fc0});  // NaN
  std::vector<uint16_t> unused(static_cast<size_t>((tokens + 40) * heads * dim));
  attention.Forward(longer.data(), tokens + 40, alone, unused.data());
  attention.Forward(qkv_.data(), tokens, alone, mixed.data());
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      const auto exact = Exact(t, h);
      for (int64_t c = 0; c < dim; ++c) {
        // The shares are rounded to bfloat16 too: an error of 2^-9 of the values, which average out.
        ASSERT_NEAR(ToFloat(mixed[static_cast<size_t>((t * heads + h) * dim + c)]),
                    exact[static_cast<size_t>(c)], Bf16Tolerance(exact[static_cast<size_t>(c)], 0.015))
            << t << ' ' << h << ' ' << c;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, BlockAttentionTest,
                         testing::Values(AttentionShape{1, 1, 16}, AttentionShape{2, 2, 32},
                                         AttentionShape{17, 3, 64}, AttentionShape{64, 1, 80},
                                         AttentionShape{65, 3, 64}, AttentionShape{197, 2, 32}));

}  // namespace
}  // namespace mae
