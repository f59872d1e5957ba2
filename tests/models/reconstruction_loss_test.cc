#include "models/reconstruction_loss.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

TEST(ReconstructionLoss, CountsHiddenPatchesOnly) {
  const auto patches = torch::zeros({1, 3, 2});
  const auto pred = torch::tensor({{{1.0, 3.0}, {100.0, 100.0}, {2.0, 0.0}}}, torch::kFloat32);
  const auto mask = torch::tensor({{1.0, 0.0, 1.0}}, torch::kFloat32);
  EXPECT_FLOAT_EQ(ReconstructionLoss(pred, patches, mask, false).item<float>(),
                  ((1 + 9) / 2.0F + 4 / 2.0F) / 2);
}

TEST(ReconstructionLoss, AveragesOverAllHiddenPatchesOfTheBatchNotOverImages) {
  const auto patches = torch::zeros({2, 2, 1});
  const auto pred = torch::tensor({{{2.0}, {2.0}}, {{1.0}, {9.0}}}, torch::kFloat32);
  const auto mask = torch::tensor({{1.0, 1.0}, {1.0, 0.0}}, torch::kFloat32);
  EXPECT_FLOAT_EQ(ReconstructionLoss(pred, patches, mask, false).item<float>(), (4 + 4 + 1) / 3.0F);
}

TEST(ReconstructionLoss, NormPixUsesTheUnbiasedVariance) {
  const auto patches = torch::tensor({{{1.0, 2.0, 3.0, 6.0}}}, torch::kFloat32);
  const auto statistics = StatisticsOf(patches);
  EXPECT_FLOAT_EQ(statistics.mean.item<float>(), 3.0F);
  EXPECT_NEAR(statistics.std_dev.item<float>(), std::sqrt((4 + 1 + 0 + 9) / 3.0 + 1e-6), 1e-6);
  const auto target = (patches - statistics.mean) / statistics.std_dev;
  EXPECT_NEAR(ReconstructionLoss(target, patches, torch::ones({1, 1}), true).item<float>(), 0.0F, 1e-12);
}

TEST(ReconstructionLoss, AFlatPatchHasTargetZeroNotNan) {
  const auto patches = torch::full({1, 1, 4}, 0.5F);
  EXPECT_EQ(ReconstructionLoss(torch::zeros({1, 1, 4}), patches, torch::ones({1, 1}), true).item<float>(),
            0.0F);
}

TEST(ReconstructionLoss, IsFloat32ForBf16Predictions) {
  const auto loss = ReconstructionLoss(torch::ones({1, 2, 4}, torch::kBFloat16), torch::zeros({1, 2, 4}),
                                       torch::ones({1, 2}), false);
  EXPECT_EQ(loss.scalar_type(), torch::kFloat32);
}

TEST(ReconstructionErrors, AreOfEachPatchAlone) {
  const auto patches = torch::zeros({1, 2, 2});
  const auto pred = torch::tensor({{{1.0, 3.0}, {0.0, 2.0}}}, torch::kFloat32);
  EXPECT_TRUE(ReconstructionErrors(pred, patches, false).equal(torch::tensor({{5.0, 2.0}}, torch::kFloat32)));
}

}  // namespace
}  // namespace mae
