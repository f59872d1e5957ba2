#include "augment/batch_mix.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

AugmentationOptions Mixing(double mixup, double cutmix) {
  AugmentationOptions options;
  options.mixup_alpha = mixup;
  options.cutmix_alpha = cutmix;
  return options;
}

TEST(BatchMix, WithoutAlphasNothingIsMixed) {
  EXPECT_EQ(DrawBatchMix(Mixing(0, 0), 1, 2, 3, 32, 32), BatchMix());
}

TEST(BatchMix, IsAFunctionOfSeedEpochAndBatch) {
  const auto options = Mixing(0.8, 0);
  const auto mix = DrawBatchMix(options, 1, 2, 3, 32, 32);
  EXPECT_EQ(DrawBatchMix(options, 1, 2, 3, 32, 32), mix);
  EXPECT_NE(DrawBatchMix(options, 2, 2, 3, 32, 32), mix);
  EXPECT_NE(DrawBatchMix(options, 1, 3, 3, 32, 32), mix);
  EXPECT_NE(DrawBatchMix(options, 1, 2, 4, 32, 32), mix);
}

TEST(BatchMix, MixupBlendsByASymmetricShare) {
  double sum = 0;
  for (int64_t batch = 0; batch < 4000; ++batch) {
    const auto mix = DrawBatchMix(Mixing(0.8, 0), 1, 0, batch, 32, 32);
    EXPECT_FALSE(mix.box.has_value());
    sum += mix.share;
  }
  EXPECT_NEAR(sum / 4000, 0.5, 0.02);
}

TEST(BatchMix, TheShareOfCutmixIsWhatTheBoxLeaves) {
  bool cut_at_border = false;
  for (int64_t batch = 0; batch < 2000; ++batch) {
    const auto mix = DrawBatchMix(Mixing(0, 1.0), 1, 0, batch, 24, 40);
    ASSERT_TRUE(mix.box.has_value());
    const auto& box = *mix.box;
    EXPECT_GE(box.top, 0);
    EXPECT_GE(box.left, 0);
    EXPECT_LE(box.top + box.height, 24);
    EXPECT_LE(box.left + box.width, 40);
    EXPECT_DOUBLE_EQ(mix.share, 1.0 - static_cast<double>(box.height * box.width) / (24.0 * 40.0));
    cut_at_border |= box.height % 2 == 1;  // whole boxes have even sides
  }
  EXPECT_TRUE(cut_at_border);
}

TEST(BatchMix, TheSwitchChoosesBetweenBoth) {
  auto options = Mixing(0.8, 1.0);
  options.mix_switch_probability = 0.25;
  int cuts = 0;
  for (int64_t batch = 0; batch < 4000; ++batch)
    cuts += DrawBatchMix(options, 5, 0, batch, 32, 32).box.has_value() ? 1 : 0;
  EXPECT_NEAR(cuts, 1000, 110);
}

}  // namespace
}  // namespace mae
