#include "models/visible_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mae {
namespace {

TEST(StatisticsFromVisible, WeightsVisiblePatchesByTheThirdPowerOfTheirDistance) {
  torch::manual_seed(3);
  constexpr int64_t kRows = 3, kCols = 5;
  const auto patches = torch::randn({2, kRows * kCols, 12}) * torch::rand({2, kRows * kCols, 1}) +
                       torch::randn({2, kRows * kCols, 1});
  const auto mask = (torch::rand({2, kRows * kCols}) < 0.6).to(torch::kFloat32);
  const auto estimated = StatisticsFromVisible(patches, mask, kRows, kCols);
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t p = 0; p < kRows * kCols; ++p) {
      const auto is_hidden = [&](int64_t i) { return mask[b][i].item<float>() != 0; };
      double weights = 0, mean = 0, variance = 0;
      for (int64_t v = 0; v < kRows * kCols; ++v) {
        if (is_hidden(v) || (!is_hidden(p) && v != p)) continue;
        const double d = std::hypot(p / kCols - v / kCols, p % kCols - v % kCols);
        const double weight = v == p ? 1 : std::pow(d, -3);
        weights += weight;
        mean += weight * patches[b][v].mean().item<double>();
        variance += weight * (patches[b][v].var().item<double>() + 1e-6);
      }
      EXPECT_NEAR(estimated.mean[b][p][0].item<double>(), mean / weights, 1e-4);
      EXPECT_NEAR(estimated.std_dev[b][p][0].item<double>(), std::sqrt(variance / weights), 1e-4);
    }
  }
}

TEST(StatisticsFromVisible, UsesNothingOfHiddenPatches) {
  const auto mask = torch::tensor({{0.0F, 1.0F, 1.0F, 0.0F}});
  const auto patches = torch::rand({1, 4, 16});
  auto others = patches.clone();
  others.slice(1, 1, 3).fill_(std::nanf(""));
  const auto one = StatisticsFromVisible(patches, mask, 2, 2),
             other = StatisticsFromVisible(others, mask, 2, 2);
  EXPECT_TRUE(one.mean.equal(other.mean));
  EXPECT_TRUE(one.std_dev.equal(other.std_dev));
}

TEST(StatisticsFromVisible, IsThatOfEachPatchWhereAllAreVisible) {
  const auto patches = torch::rand({2, 6, 16});
  const auto estimated = StatisticsFromVisible(patches, torch::zeros({2, 6}), 2, 3);
  EXPECT_TRUE(estimated.mean.equal(StatisticsOf(patches).mean));
  EXPECT_TRUE(estimated.std_dev.equal(StatisticsOf(patches).std_dev));
}

// A sky above a textured ground: what is near tells more than what is anywhere.
TEST(StatisticsFromVisible, IsNearerToTheTruthThanTheMeanOfAllVisiblePatches) {
  torch::manual_seed(5);
  const auto height = torch::arange(8, torch::kFloat32).repeat_interleave(8).view({1, 64, 1});
  const auto patches = torch::randn({16, 64, 48}) * (0.05 + height / 8) - height / 4;
  const auto mask = (torch::rand({16, 64}) < 0.75).to(torch::kFloat32);
  const auto visible = 1 - mask.unsqueeze(-1);
  const auto truth = StatisticsOf(patches);
  const auto estimated = StatisticsFromVisible(patches, mask, 8, 8);
  const auto error = [&](const torch::Tensor& guess, const torch::Tensor& right) {
    return ((guess - right).square() * mask.unsqueeze(-1)).sum().item<double>();
  };
  const auto all = [&](const torch::Tensor& values) {
    return (values * visible).sum(1, true) / visible.sum(1, true);
  };
  EXPECT_LT(error(estimated.mean, truth.mean), 0.5 * error(all(truth.mean), truth.mean));
  EXPECT_LT(error(estimated.std_dev, truth.std_dev), 0.5 * error(all(truth.std_dev), truth.std_dev));
}

}  // namespace
}  // namespace mae
