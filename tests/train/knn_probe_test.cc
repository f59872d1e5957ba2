#include "train/knn_probe.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

torch::Tensor Labels(std::vector<int64_t> labels) { return torch::tensor(labels, torch::kInt64); }

TEST(KnnProbe, TheNearestDirectionDecides) {
  const auto known = torch::tensor({{1.0F, 0.0F}, {0.0F, 10.0F}});
  const auto queries = torch::tensor({{50.0F, 1.0F}, {0.1F, 0.2F}, {-1.0F, 0.1F}});
  const auto result = ClassifyByNeighbors(known, Labels({0, 1}), queries, Labels({0, 1, 1}), 2, 1, 0.07);
  EXPECT_EQ(result.images, 3);
  EXPECT_EQ(result.correct, 3) << "length does not count, direction does";
}

TEST(KnnProbe, VotesWeighByCosineOverTemperature) {
  // One neighbour of cosine 1 against two of cosine 0.8: e^(1/T) against 2 e^(0.8/T); equal at T = 0.2885.
  const auto known = torch::tensor({{1.0F, 0.0F}, {0.8F, 0.6F}, {0.8F, -0.6F}});
  const auto query = torch::tensor({{1.0F, 0.0F}});
  const auto correct = [&](int64_t neighbors, double temperature) {
    return ClassifyByNeighbors(known, Labels({0, 1, 1}), query, Labels({0}), 2, neighbors, temperature)
        .correct;
  };
  EXPECT_EQ(correct(3, 0.28), 1);
  EXPECT_EQ(correct(3, 0.30), 0);
  EXPECT_EQ(correct(1, 0.30), 1) << "one neighbour only";
  EXPECT_EQ(correct(3, 1e-4), 1) << "nothing overflows";
}

TEST(KnnProbe, CountsTheFiveStrongestClasses) {
  auto known = torch::zeros({7, 8});
  for (int64_t i = 0; i < 7; ++i) {
    known[i][0] = 1.0F;
    known[i][1 + i] = 0.1F * static_cast<float>(i + 1);  // the further, the smaller the cosine
  }
  auto queries = torch::zeros({7, 8});
  queries.select(1, 0).fill_(1.0F);
  const auto result = ClassifyByNeighbors(known, torch::arange(7), queries, torch::arange(7), 7, 7, 0.07);
  EXPECT_EQ(result.correct, 1);
  EXPECT_EQ(result.in_first5, 5);
}

TEST(KnnProbe, MoreNeighborsThanThereAreAreAll) {
  const auto known = torch::tensor({{1.0F, 0.0F}, {0.0F, 1.0F}});
  EXPECT_EQ(ClassifyByNeighbors(known, Labels({0, 1}), known, Labels({0, 1}), 2, 20, 0.07).correct, 2);
}

TEST(KnnProbe, BlocksOfQueriesAreAllCounted) {
  torch::manual_seed(2);
  const auto features = torch::randn({600, 8});
  const auto labels = torch::arange(600).remainder(3);
  const auto result = ClassifyByNeighbors(features, labels, features, labels, 3, 1, 0.07);
  EXPECT_EQ(result.images, 600);
  EXPECT_EQ(result.correct, 600) << "each is its own nearest";
}

}  // namespace
}  // namespace mae
