#include "nn/block_stack.h"

#include <gtest/gtest.h>

#include "kernels/cpu_features.h"

namespace mae {
namespace {

EncoderOptions Shared() {
  EncoderOptions shared;
  shared.mlp_ratio = 4;
  return shared;
}

BlockStack RandomStack(int64_t depth, int64_t dim, int64_t num_heads) {
  torch::manual_seed(1);
  BlockStack stack(depth, dim, num_heads, Shared());
  const torch::NoGradGuard no_grad;
  for (auto& parameter : stack->parameters()) {
    parameter.normal_(parameter.dim() == 1 ? 0.2 : 0.0, parameter.dim() == 1 ? 0.2 : 0.08);
  }
  stack->eval();
  return stack;
}

class PackedStack : public testing::TestWithParam<WeightFormat> {};

// The numbers of either format are those of float32 within its rounding.
TEST_P(PackedStack, KeepsTheNumbers) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const c10::InferenceMode inference;
  auto stack = RandomStack(3, 96, 3);
  const auto x = torch::randn({9, 50, 96});
  const auto exact = stack(x);
  ASSERT_TRUE(stack->Pack(GetParam()));
  EXPECT_TRUE(stack->parameters().empty());
  const auto error = (stack(x) - exact).abs();
  const double size = exact.std().item<double>();
  const double wanted = GetParam() == WeightFormat::kBf16 ? 0.01 : 0.03;
  EXPECT_LT(error.mean().item<double>(), wanted * size);
  EXPECT_LT(error.max().item<double>(), 10 * wanted * size);
}

TEST_P(PackedStack, AnImageDoesNotDependOnItsBatch) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const c10::InferenceMode inference;
  auto stack = RandomStack(2, 64, 2);
  ASSERT_TRUE(stack->Pack(GetParam()));
  for (const int64_t tokens : {1, 5, 300, 200, 64}) {
    const auto x = torch::randn({11, tokens, 64});
    const auto together = stack(x);
    for (int64_t i = 0; i < x.size(0); ++i) {
      EXPECT_TRUE(torch::equal(stack(x.slice(0, i, i + 1)), together.slice(0, i, i + 1)))
          << tokens << ' ' << i;
    }
  }
}

TEST_P(PackedStack, HelpDoesNotChangeABit) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const c10::InferenceMode inference;
  auto alone = RandomStack(2, 96, 3), helped = RandomStack(2, 96, 3);
  WorkQueue threads(3, 0);
  ASSERT_TRUE(alone->Pack(GetParam()));
  ASSERT_TRUE(helped->Pack(GetParam(), &threads));
  for (const int64_t tokens : {1, 65, 200}) {
    const auto x = torch::randn({3, tokens, 96}), wanted = alone(x);
    // Again and again: who helps, and with which pieces, is another each time.
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(torch::equal(helped(x), wanted)) << tokens << ' ' << i;
  }
}

TEST_P(PackedStack, SaysWhatTheFirstTokenAttendsTo) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const c10::InferenceMode inference;
  auto stack = RandomStack(2, 64, 2);
  const auto x = torch::randn({3, 20, 64}), exact = stack->FirstTokenWeights(x);
  EXPECT_TRUE(torch::allclose(exact.sum(-1), torch::ones({3, 2})));
  ASSERT_TRUE(stack->Pack(GetParam()));
  EXPECT_TRUE(torch::allclose(stack->FirstTokenWeights(x), exact, 0.1, 0.01));
}

INSTANTIATE_TEST_SUITE_P(Formats, PackedStack, testing::Values(WeightFormat::kBf16, WeightFormat::kInt8));

TEST(BlockStack, LeavesItsInputAndWidthsThatDontFitAlone) {
  const c10::InferenceMode inference;
  auto stack = RandomStack(1, 24, 3);  // heads of 8
  const auto x = torch::randn({2, 5, 24}), copy = x.clone(), before = stack(x);
  EXPECT_FALSE(stack->Pack(WeightFormat::kBf16));
  EXPECT_TRUE(torch::equal(stack(x), before));
  EXPECT_TRUE(torch::equal(x, copy));
}

TEST(BlockStack, LeavesOutTheFirstTokensOfTheLastBlock) {
  const c10::InferenceMode inference;
  auto stack = RandomStack(2, 64, 2);
  const auto x = torch::randn({2, 7, 64});
  EXPECT_TRUE(torch::allclose(stack(x, 3), stack(x).slice(1, 3), 1e-4, 1e-5));
  if (!stack->Pack(WeightFormat::kBf16)) return;
  EXPECT_TRUE(torch::equal(stack(x, 3), stack(x).slice(1, 3)));
}

}  // namespace
}  // namespace mae
