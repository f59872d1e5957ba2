#include "models/masking.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

TEST(VisiblePatches, TruncatesInDoublePrecision) {
  EXPECT_EQ(VisiblePatches(64, 0.75), 16);
  EXPECT_EQ(VisiblePatches(64, 0.6), 25);
  EXPECT_EQ(VisiblePatches(64, 0.9), 6);
  EXPECT_EQ(VisiblePatches(25, 0.8), 4);
  EXPECT_EQ(VisiblePatches(100, 0.9), 9);
  EXPECT_EQ(VisiblePatches(225, 0.8), 44);
}

TEST(MaskFromNoise, KeepsThePatchesWithTheSmallestNoise) {
  const auto mask = MaskFromNoise(torch::tensor({{0.9, 0.1, 0.5, 0.3}}, torch::kFloat32), 0.5);
  EXPECT_TRUE(mask.keep.equal(torch::tensor({{1, 3}})));
  EXPECT_TRUE(mask.hidden.equal(torch::tensor({{2, 0}})));
  EXPECT_TRUE(mask.mask.equal(torch::tensor({{1.0F, 0.0F, 1.0F, 0.0F}})));
  EXPECT_TRUE(mask.ids_restore.equal(torch::tensor({{3, 0, 2, 1}})));
  EXPECT_EQ(mask.num_hidden(), 2);
}

TEST(MaskFromNoise, RestoresEveryPatchToItsPlace) {
  torch::manual_seed(1);
  const auto mask = MaskFromNoise(torch::rand({8, 49}), 0.75);
  const auto shuffled = torch::cat({mask.keep, mask.hidden}, 1);
  EXPECT_TRUE(shuffled.gather(1, mask.ids_restore).equal(torch::arange(49).expand({8, 49})));
  EXPECT_TRUE(mask.mask.sum(1).eq(37).all().item<bool>());
}

TEST(MaskFromNoise, RefusesToHideNothingOrEverything) {
  EXPECT_THROW(MaskFromNoise(torch::rand({1, 4}), 0.0), c10::Error);
  EXPECT_THROW(MaskFromNoise(torch::rand({1, 4}), 0.9), c10::Error);
}

TEST(NothingHidden, KeepsEveryPatchInItsPlace) {
  const auto mask = NothingHidden(2, 6, torch::kCPU);
  EXPECT_TRUE(mask.keep.equal(torch::arange(6).expand({2, 6})));
  EXPECT_TRUE(mask.ids_restore.equal(mask.keep));
  EXPECT_EQ(mask.num_hidden(), 0);
  EXPECT_TRUE(mask.mask.equal(torch::zeros({2, 6})));
}

TEST(MaskFromHidden, HidesWhatItIsTold) {
  const auto hidden = torch::tensor({{true, false, false, true}, {false, true, true, false}});
  const auto mask = MaskFromHidden(hidden);
  EXPECT_TRUE(mask.mask.equal(hidden.to(torch::kFloat32)));
  EXPECT_TRUE(mask.keep.equal(torch::tensor({{1, 2}, {0, 3}})));
  EXPECT_TRUE(mask.hidden.equal(torch::tensor({{0, 3}, {1, 2}})));
}

TEST(MaskFromHidden, RefusesUnequalCountsNoneAndAll) {
  EXPECT_THROW(MaskFromHidden(torch::tensor({{true, false}, {true, true}})), c10::Error);
  EXPECT_THROW(MaskFromHidden(torch::tensor({{true, true}})), c10::Error);
  EXPECT_THROW(MaskFromHidden(torch::tensor({{false, false}})), c10::Error);
}

}  // namespace
}  // namespace mae
