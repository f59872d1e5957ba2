#include "train/mask_noise.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

TEST(MaskNoise, OfAnImageIsTheSameInWhateverBatchItComes) {
  const auto whole = TrainMaskNoise(1, 2, {5, 9, 3}, 49);
  EXPECT_TRUE(torch::equal(whole.slice(0, 1, 2), TrainMaskNoise(1, 2, {9}, 49)));
  EXPECT_TRUE(torch::equal(whole.slice(0, 2, 3), TrainMaskNoise(1, 2, {3, 9}, 49).slice(0, 0, 1)));
}

TEST(MaskNoise, DependsOnSeedEpochAndImage) {
  const auto noise = TrainMaskNoise(1, 2, {5}, 49);
  EXPECT_FALSE(torch::equal(noise, TrainMaskNoise(2, 2, {5}, 49)));
  EXPECT_FALSE(torch::equal(noise, TrainMaskNoise(1, 3, {5}, 49)));
  EXPECT_FALSE(torch::equal(noise, TrainMaskNoise(1, 2, {6}, 49)));
}

TEST(MaskNoise, IsUniformFloat32) {
  const auto noise = TrainMaskNoise(1, 0, std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}, 1024);
  EXPECT_EQ(noise.sizes(), torch::IntArrayRef({8, 1024}));
  EXPECT_EQ(noise.scalar_type(), torch::kFloat32);
  EXPECT_GE(noise.min().item<double>(), 0.0);
  EXPECT_LT(noise.max().item<double>(), 1.0);
  EXPECT_NEAR(noise.mean().item<double>(), 0.5, 0.02);
}

TEST(MaskNoise, OfValidationIsOfNoTrainingEpoch) {
  const auto noise = ValidationMaskNoise({5, 6}, 49);
  EXPECT_TRUE(torch::equal(noise.slice(0, 1, 2), ValidationMaskNoise({6}, 49)));
  EXPECT_FALSE(torch::equal(noise, TrainMaskNoise(0, 0, {5, 6}, 49)));
}

}  // namespace
}  // namespace mae
