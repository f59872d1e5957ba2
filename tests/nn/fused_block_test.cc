#include "nn/fused_block.h"

#include <gtest/gtest.h>

#include "kernels/cpu_features.h"
#include "nn/block.h"
#include "runtime/precision.h"

namespace mae {
namespace {

struct Case {
  int64_t images, tokens, dim, num_heads, first_output;
  bool qkv_bias;
  double drop_path;
  double mlp_ratio = 4;
};

class FusedBlockTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
    torch::manual_seed(1);
    EncoderOptions shared;
    shared.mlp_ratio = GetParam().mlp_ratio;
    shared.qkv_bias = GetParam().qkv_bias;
    block_ = Block(GetParam().dim, GetParam().num_heads, shared, GetParam().drop_path);
    const torch::NoGradGuard no_grad;
    for (auto& parameter : block_->parameters()) {
      parameter.normal_(parameter.dim() == 1 ? 0.3 : 0.0, parameter.dim() == 1 ? 0.3 : 0.08);
    }
  }

  struct Pass {
    torch::Tensor y;
    std::vector<torch::Tensor> gradients;  // of x, then of the parameters
  };

  // Of bits, not merely of values.
  static void ExpectSame(const Pass& pass, const Pass& wanted) {
    EXPECT_TRUE(torch::equal(pass.y, wanted.y));
    ASSERT_EQ(pass.gradients.size(), wanted.gradients.size());
    for (size_t i = 0; i < wanted.gradients.size(); ++i) {
      EXPECT_TRUE(torch::equal(pass.gradients[i], wanted.gradients[i])) << i;
    }
  }

  Pass Run(Precision precision) {
    torch::manual_seed(2);
    auto x = torch::randn({GetParam().images, GetParam().tokens, GetParam().dim}).requires_grad_();
    torch::manual_seed(3);  // of the drawn paths
    Pass pass;
    {
      const AutocastScope autocast(torch::kCPU, precision);
      pass.y = block_->forward(x, GetParam().first_output);
    }
    auto inputs = block_->parameters();
    inputs.insert(inputs.begin(), x);
    torch::manual_seed(4);
    pass.gradients = torch::autograd::grad({pass.y}, inputs, {torch::randn_like(pass.y)});
    return pass;
  }

  Block block_ = nullptr;
};

void ExpectNear(const torch::Tensor& value, const torch::Tensor& exact, const std::string& what) {
  ASSERT_EQ(value.sizes(), exact.sizes()) << what;
  ASSERT_EQ(value.scalar_type(), torch::kFloat32) << what;
  const double size = exact.square().mean().sqrt().item<double>();
  const auto error = (value - exact).abs();
  EXPECT_LT(error.square().mean().sqrt().item<double>(), 0.012 * size + 1e-6) << what;
  EXPECT_LT(error.max().item<double>(), 0.12 * size + 1e-6) << what;
}

TEST_P(FusedBlockTest, GivesTheNumbersAndGradientsOfTheModulesWithinBf16) {
  const auto exact = Run(Precision::kFp32), fused = Run(Precision::kBf16);
  ASSERT_EQ(fused.y.grad_fn()->name().find("Add"), std::string::npos) << "not the fused block";
  ExpectNear(fused.y.detach(), exact.y.detach(), "y");
  for (size_t i = 0; i < exact.gradients.size(); ++i) {
    ExpectNear(fused.gradients[i], exact.gradients[i],
               i == 0 ? "x" : block_->named_parameters()[i - 1].key());
  }
}

TEST_P(FusedBlockTest, GivesTheSameBitsFromActivationsComputedAgain) {
  const auto fused = Run(Precision::kBf16), modules = Run(Precision::kFp32);
  block_->RecomputeActivations();
  ExpectSame(Run(Precision::kBf16), fused);
  ExpectSame(Run(Precision::kFp32), modules);
}

INSTANTIATE_TEST_SUITE_P(Shapes, FusedBlockTest,
                         testing::Values(Case{1, 1, 16, 1, 0, true, 0}, Case{3, 17, 192, 3, 0, true, 0},
                                         Case{40, 17, 96, 3, 0, false, 0}, Case{9, 65, 64, 4, 17, true, 0},
                                         Case{2, 200, 80, 1, 1, true, 0}, Case{30, 33, 48, 3, 0, true, 0.4},
                                         Case{9, 65, 64, 4, 17, true, 0, 1}));

TEST(FusedBlock, FollowsItsParameters) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  Block block(32, 2, EncoderOptions{});
  const torch::NoGradGuard no_grad;
  const AutocastScope autocast(torch::kCPU, Precision::kBf16);
  const auto x = torch::randn({2, 5, 32});
  const auto before = block->forward(x);
  for (auto& parameter : block->parameters()) parameter.mul_(0);
  EXPECT_FALSE(torch::equal(before, x));
  EXPECT_TRUE(torch::equal(block->forward(x), x));
}

// What is computed again follows a bias that has changed since, and what was kept does not.
TEST(FusedBlock, KeepsNoActivationsThatAreComputedAgain) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  torch::manual_seed(1);
  for (const bool recomputes : {false, true}) {
    Block block(32, 2, EncoderOptions{});
    if (recomputes) block->RecomputeActivations();
    const auto x = torch::randn({2, 5, 32}).requires_grad_();
    const auto gradient = [&](double change) {
      torch::Tensor y;
      {
        const AutocastScope autocast(torch::kCPU, Precision::kBf16);
        y = block->forward(x);
      }
      const torch::NoGradGuard no_grad;
      block->named_parameters()["mlp.fc1.bias"].add_(change);
      return torch::autograd::grad({y}, {x}, {torch::ones_like(y)})[0];
    };
    const auto unchanged = gradient(0.0);
    EXPECT_EQ(torch::equal(gradient(0.5), unchanged), !recomputes);
  }
}

TEST(FusedBlock, LeavesOutWhatNeedsNoGradient) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  Block block(32, 2, EncoderOptions{});
  auto parameters = block->named_parameters();
  for (const auto* name : {"norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias"}) {
    parameters[name].set_requires_grad(false);
  }
  torch::Tensor y;
  {
    const AutocastScope autocast(torch::kCPU, Precision::kBf16);
    y = block->forward(torch::randn({2, 5, 32}));
  }
  y.sum().backward();
  for (const auto& item : parameters) {
    EXPECT_EQ(item.value().grad().defined(), item.value().requires_grad()) << item.key();
  }
}

TEST(FusedBlock, GivesABiasItsGradientWithoutItsWeight) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  Block block(32, 2, EncoderOptions{});
  const auto x = torch::randn({2, 5, 32});
  const auto gradients = [&](const std::vector<torch::Tensor>& of) {
    torch::Tensor y;
    {
      const AutocastScope autocast(torch::kCPU, Precision::kBf16);
      y = block->forward(x);
    }
    return torch::autograd::grad({y.square().sum()}, of);
  };
  const auto parameters = block->named_parameters();
  const std::vector<torch::Tensor> biases = {parameters["norm1.bias"], parameters["mlp.fc1.bias"]};
  const auto all =
      gradients({biases[0], biases[1], parameters["norm1.weight"], parameters["mlp.fc1.weight"]});
  const auto alone = gradients(biases);
  for (size_t i = 0; i < biases.size(); ++i) EXPECT_TRUE(torch::equal(alone[i], all[i])) << i;
}

}  // namespace
}  // namespace mae
