#include "kernels/attention_gradient.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

struct AttendedShape {
  int64_t tokens, first_query, num_heads, head_dim;
};

class AttentionGradientTest : public testing::TestWithParam<AttendedShape> {
 protected:
  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  }

  size_t Place(int64_t part, int64_t token, int64_t head, int64_t column) const {
    const auto& shape = GetParam();
    return static_cast<size_t>(((token * 3 + part) * shape.num_heads + head) * shape.head_dim + column);
  }
  double Qkv(int64_t part, int64_t token, int64_t head, int64_t column) const {
    return ToFloat(qkv_.data()[Place(part, token, head, column)]);
  }
  double Dy(int64_t token, int64_t head, int64_t column) const {
    const auto& shape = GetParam();
    return ToFloat(
        dy_.data()[((token - shape.first_query) * shape.num_heads + head) * shape.head_dim + column]);
  }

  // The gradients of qkv, in double.
  std::vector<double> Exact() const {
    const auto [tokens, first_query, heads, dim] = GetParam();
    std::vector<double> gradient(qkv_.size());
    const double scale = 1 / std::sqrt(static_cast<double>(dim));
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t q = first_query; q < tokens; ++q) {
        std::vector<double> share(static_cast<size_t>(tokens)), slope(share.size());
        double sum = 0, mean = 0;
        for (int64_t t = 0; t < tokens; ++t) {
          double score = 0;
          for (int64_t c = 0; c < dim; ++c) {
            score += Qkv(0, q, h, c) * Qkv(1, t, h, c);
            slope[static_cast<size_t>(t)] += Dy(q, h, c) * Qkv(2, t, h, c);
          }
          sum += share[static_cast<size_t>(t)] = std::exp(score * scale);
        }
        for (size_t t = 0; t < share.size(); ++t) mean += slope[t] * (share[t] /= sum);
        for (int64_t t = 0; t < tokens; ++t) {
          const double p = share[static_cast<size_t>(t)],
                       d = p * (slope[static_cast<size_t>(t)] - mean) * scale;
          for (int64_t c = 0; c < dim; ++c) {
            gradient[Place(0, q, h, c)] += d * Qkv(1, t, h, c);
            gradient[Place(1, t, h, c)] += d * Qkv(0, q, h, c);
            gradient[Place(2, t, h, c)] += p * Dy(q, h, c);
          }
        }
      }
    }
    return gradient;
  }

  const int64_t width_ = GetParam().num_heads * GetParam().head_dim;
  const AlignedArray<uint16_t> qkv_ = NormalBf16(GetParam().tokens * 3 * width_, 1.2, 1);
  const AlignedArray<uint16_t> dy_ = NormalBf16((GetParam().tokens - GetParam().first_query) * width_, 1, 2);
};

TEST_P(AttentionGradientTest, IsThatOfTheSoftmaxMix) {
  const auto [tokens, first_query, heads, dim] = GetParam();
  AttentionGradient attention(tokens + 20, heads, dim);
  // What a longer sequence left in the room must not be seen.
  AlignedArray<uint16_t> longer(static_cast<size_t>((tokens + 20) * 3 * width_)), unused(longer.size());
  std::fill(longer.data(), longer.data() + longer.size(), uint16_t{0x7fc0});  // NaN
  attention.Backward(longer.data(), tokens + 20, 0, longer.data(), unused.data());
  std::vector<uint16_t> gradient(qkv_.size(), 0x7fc0);
  attention.Backward(qkv_.data(), tokens, first_query, dy_.data(), gradient.data());
  const auto exact = Exact();
  double size = 0, error = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    size += exact[i] * exact[i];
    error += (ToFloat(gradient[i]) - exact[i]) * (ToFloat(gradient[i]) - exact[i]);
    ASSERT_NEAR(ToFloat(gradient[i]), exact[i], Bf16Tolerance(exact[i], 0.04)) << i;
  }
  EXPECT_LE(error, size * 1e-4 + 1e-9);  // shares and slopes are rounded to 8 bits
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionGradientTest,
                         testing::Values(AttendedShape{1, 0, 1, 16}, AttendedShape{2, 0, 2, 32},
                                         AttendedShape{17, 0, 3, 64}, AttendedShape{64, 0, 1, 80},
                                         AttendedShape{65, 17, 3, 64}, AttendedShape{197, 1, 2, 32}));

}  // namespace
}  // namespace mae
