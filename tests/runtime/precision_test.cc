#include "runtime/precision.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

namespace mae {
namespace {

const torch::Device kCpu(torch::kCPU);

torch::ScalarType ProductType() {
  return torch::matmul(torch::ones({8, 8}), torch::ones({8, 8})).scalar_type();
}

TEST(AutocastScope, Bf16HoldsInsideTheScopeOnly) {
  EXPECT_EQ(ProductType(), torch::kFloat32);
  {
    AutocastScope scope(kCpu, Precision::kBf16);
    EXPECT_EQ(ProductType(), torch::kBFloat16);
  }
  EXPECT_EQ(ProductType(), torch::kFloat32);
}

TEST(AutocastScope, Fp32ChangesNothing) {
  AutocastScope scope(kCpu, Precision::kFp32);
  EXPECT_EQ(ProductType(), torch::kFloat32);
  EXPECT_FALSE(at::autocast::is_autocast_enabled(torch::kCPU));
}

TEST(AutocastScope, FormerSettingsComeBackAfterNesting) {
  const auto former = at::autocast::get_autocast_dtype(torch::kCPU);
  at::autocast::set_autocast_dtype(torch::kCPU, torch::kHalf);
  {
    AutocastScope outer(kCpu, Precision::kBf16);
    { AutocastScope inner(kCpu, Precision::kBf16); }
    EXPECT_EQ(ProductType(), torch::kBFloat16);
  }
  EXPECT_FALSE(at::autocast::is_autocast_enabled(torch::kCPU));
  EXPECT_EQ(at::autocast::get_autocast_dtype(torch::kCPU), torch::kHalf);
  at::autocast::set_autocast_dtype(torch::kCPU, former);
}

TEST(AutocastScope, NextScopeSeesWeightsThatChangedInBetween) {
  auto weight = torch::ones({4, 4}, torch::requires_grad());
  const auto ones = torch::ones({4, 4});
  const auto product = [&] {
    AutocastScope scope(kCpu, Precision::kBf16);
    return torch::matmul(ones, weight)[0][0].item<float>();
  };
  EXPECT_EQ(product(), 4.0F);
  {
    torch::NoGradGuard no_grad;
    weight.fill_(2.0);
  }
  EXPECT_EQ(product(), 8.0F);
}

}  // namespace
}  // namespace mae
