#include <gtest/gtest.h>

#include "kernels/cpu_features.h"
#include "nn/block_stack.h"
#include "optim/optimizer.h"
#include "runtime/precision.h"

/// This program has lib/kernels/absent_kernels.cc instead of the kernels, as on processors that can't have
/// them; it does not link if one is missing there.
namespace mae {
namespace {

TEST(AbsentKernels, AreNotThere) { EXPECT_FALSE(HasAvx512Bf16()); }

TEST(AbsentKernels, BlocksTrainThroughModulesUnderBf16) {
  BlockStack blocks(2, 32, 2, EncoderOptions{});
  torch::Tensor y;
  {
    const AutocastScope autocast(torch::kCPU, Precision::kBf16);
    y = blocks(torch::randn({2, 5, 32}));
  }
  y.square().sum().backward();
  for (const auto& item : blocks->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(torch::isfinite(item.value().grad()).all().item<bool>()) << item.key();
  }
}

TEST(AbsentKernels, BlocksAreNotPacked) {
  BlockStack blocks(2, 32, 2, EncoderOptions{});
  EXPECT_FALSE(blocks->Pack(WeightFormat::kBf16));
  EXPECT_FALSE(blocks->Pack(WeightFormat::kInt8));
}

TEST(AbsentKernels, AdamWStepsWithoutThem) {
  auto x = torch::ones({100}).requires_grad_();
  const auto adamw = MakeOptimizer({{{{"x", x}}, 0.0}}, OptimizerOptions{});
  x.mutable_grad() = torch::ones({100});
  adamw->Step(0.1);
  EXPECT_TRUE(torch::allclose(x, torch::full({100}, 0.9)));
}

}  // namespace
}  // namespace mae
