#include "optim/grad_clip.h"

#include <gtest/gtest.h>

#include <limits>

namespace mae {
namespace {

// Norm 5 altogether: 3 and 4.
std::vector<torch::Tensor> ThreeAndFour(torch::ScalarType type = torch::kFloat32) {
  return {torch::tensor({3.0, 0.0}).to(type), torch::tensor({{0.0}, {-4.0}}).to(type)};
}

TEST(GradNorm, IsThatOfAllGradientsAsOneVector) {
  EXPECT_FLOAT_EQ(GradNorm(ThreeAndFour()).item<float>(), 5.0F);
}

TEST(GradNorm, OfNoGradientsIsZero) { EXPECT_EQ(GradNorm({}).item<float>(), 0.0F); }

TEST(GradNorm, SumsNarrowTypesInFloat32) {
  // 4096 ones: in bf16, whose next number after 256 is 258, a running sum would stall at 256.
  const auto norm = GradNorm({torch::ones({4096}, torch::kBFloat16)});
  EXPECT_EQ(norm.scalar_type(), torch::kFloat32);
  EXPECT_FLOAT_EQ(norm.item<float>(), 64.0F);
}

TEST(ClipGradNorm, ScalesDownToTheLimitAndReturnsTheFormerNorm) {
  const auto gradients = ThreeAndFour();
  EXPECT_FLOAT_EQ(ClipGradNorm(gradients, 1.0).item<float>(), 5.0F);
  EXPECT_NEAR(gradients[0][0].item<float>(), 0.6F, 1e-6);
  EXPECT_NEAR(gradients[1][1][0].item<float>(), -0.8F, 1e-6);
  EXPECT_NEAR(GradNorm(gradients).item<float>(), 1.0F, 1e-5);
}

TEST(ClipGradNorm, ScalesGradientsOfOtherTypesToo) {
  const auto gradients = ThreeAndFour(torch::kBFloat16);
  ClipGradNorm(gradients, 1.0);
  EXPECT_EQ(gradients[0].scalar_type(), torch::kBFloat16);
  EXPECT_NEAR(gradients[0][0].item<float>(), 0.6F, 0.01);
}

TEST(ClipGradNorm, LeavesSmallGradientsBitForBit) {
  const auto gradients = ThreeAndFour();
  EXPECT_FLOAT_EQ(ClipGradNorm(gradients, 5.1).item<float>(), 5.0F);
  EXPECT_TRUE(torch::equal(gradients[0], ThreeAndFour()[0]));
  EXPECT_TRUE(torch::equal(gradients[1], ThreeAndFour()[1]));
}

TEST(ClipGradNorm, ZeroOnlyMeasures) {
  const auto gradients = ThreeAndFour();
  EXPECT_FLOAT_EQ(ClipGradNorm(gradients, 0.0).item<float>(), 5.0F);
  EXPECT_TRUE(torch::equal(gradients[1], ThreeAndFour()[1]));
  EXPECT_EQ(ClipGradNorm({}, 1.0).item<float>(), 0.0F);
}

TEST(ClipGradNorm, ReportsGradientsThatAreNotFinite) {
  const auto gradients = ThreeAndFour();
  gradients[1][0][0] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(torch::isfinite(ClipGradNorm(gradients, 1.0)).item<bool>());
}

}  // namespace
}  // namespace mae
