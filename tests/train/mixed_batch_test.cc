#include "train/mixed_batch.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

// Image i is full of i; its label is i, of as many classes as images.
Batch NumberedBatch(int64_t count) {
  const auto number = torch::arange(count);
  std::vector<int64_t> indices(static_cast<size_t>(count), 0);
  return {number.to(torch::kFloat32).view({count, 1, 1, 1}).expand({count, 2, 4, 6}).clone(), number,
          indices};
}

float PixelOf(const Batch& batch, int64_t image, int64_t y, int64_t x) {
  return batch.images[image][1][y][x].item<float>();
}

TEST(MixBatch, WithoutAMixSmoothsLabelsAlone) {
  const auto batch = NumberedBatch(4);
  const auto mixed = MixBatch(batch, {}, 4, 0.2);
  EXPECT_TRUE(mixed.images.equal(batch.images));
  EXPECT_TRUE(mixed.labels.equal(batch.labels));
  EXPECT_FLOAT_EQ(mixed.targets[2][2].item<float>(), 0.85F);
  EXPECT_FLOAT_EQ(mixed.targets[2][0].item<float>(), 0.05F);
}

TEST(MixBatch, MixupBlendsImagesAndTargetsWithTheBatchReversed) {
  const auto batch = NumberedBatch(4);
  const auto mixed = MixBatch(batch, {0.75, std::nullopt}, 4, 0.0);
  EXPECT_FLOAT_EQ(PixelOf(mixed, 0, 1, 1), 0.75F * 0 + 0.25F * 3);
  EXPECT_FLOAT_EQ(PixelOf(mixed, 2, 3, 5), 0.75F * 2 + 0.25F * 1);
  EXPECT_TRUE(mixed.targets[0].allclose(torch::tensor({0.75, 0.0, 0.0, 0.25}, torch::kFloat32)));
  EXPECT_TRUE(mixed.labels.equal(batch.labels));
  EXPECT_FLOAT_EQ(PixelOf(batch, 0, 1, 1), 0.0F) << "the batch given is not written to";
}

TEST(MixBatch, CutmixReplacesTheBoxAndNothingElse) {
  const auto batch = NumberedBatch(4);
  const auto mixed = MixBatch(batch, {0.75, CropBox{1, 2, 2, 3}}, 4, 0.0);
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 6; ++x) {
      const bool inside = y >= 1 && y < 3 && x >= 2 && x < 5;
      EXPECT_EQ(PixelOf(mixed, 1, y, x), inside ? 2.0F : 1.0F) << y << " " << x;
    }
  }
  EXPECT_TRUE(mixed.targets[1].allclose(torch::tensor({0.0, 0.75, 0.25, 0.0}, torch::kFloat32)));
}

TEST(MixBatch, LabelsAreThoseOfTheLargerShare) {
  const auto batch = NumberedBatch(4);
  EXPECT_TRUE(MixBatch(batch, {0.3, std::nullopt}, 4, 0.1).labels.equal(batch.labels.flip(0)));
  EXPECT_TRUE(MixBatch(batch, {0.7, std::nullopt}, 4, 0.1).labels.equal(batch.labels));
}

TEST(MixBatch, TheMiddleImageOfAnOddBatchStaysItself) {
  const auto batch = NumberedBatch(5);
  const auto mixed = MixBatch(batch, {0.3, std::nullopt}, 5, 0.0);
  EXPECT_FLOAT_EQ(PixelOf(mixed, 2, 0, 0), 2.0F);
  EXPECT_FLOAT_EQ(mixed.targets[2][2].item<float>(), 1.0F);
  EXPECT_FLOAT_EQ(mixed.targets.sum().item<float>(), 5.0F);
}

}  // namespace
}  // namespace mae
