#include "train/gradient_histogram.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace mae {
namespace {

TEST(GradientHistogram, CountsEveryFiniteValueOnce) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto values = torch::tensor({-1.0, 0.0, 0.5, 2.0, infinity, -infinity, std::nan("")});
  const Histogram histogram = HistogramOf(values);
  EXPECT_EQ(histogram.count, 4);
  EXPECT_EQ(histogram.min, -1);
  EXPECT_EQ(histogram.max, 2);
  EXPECT_DOUBLE_EQ(histogram.sum, 1.5);
  EXPECT_DOUBLE_EQ(histogram.sum_squares, 5.25);
  ASSERT_EQ(histogram.limits.size(), 30u);
  EXPECT_EQ(histogram.limits.back(), 2);
  EXPECT_EQ(std::accumulate(histogram.buckets.begin(), histogram.buckets.end(), 0.0), 4);
  EXPECT_EQ(histogram.buckets.front(), 1);
  EXPECT_EQ(histogram.buckets.back(), 1);
}

TEST(GradientHistogram, EqualValuesAreOneBucketAndNoneIsNoBucket) {
  const Histogram equal = HistogramOf(torch::zeros({5}));
  EXPECT_THAT(equal.limits, testing::ElementsAre(0));
  EXPECT_THAT(equal.buckets, testing::ElementsAre(5));
  EXPECT_TRUE(HistogramOf(torch::full({2}, std::nan(""))).limits.empty());
}

TEST(GradientHistogram, NamesTheParametersThatHaveAGradient) {
  torch::nn::Linear linear(2, 3);
  linear->bias.requires_grad_(false);
  linear->forward(torch::ones({1, 2})).sum().backward();
  const auto histograms = GradientHistograms(*linear);
  ASSERT_EQ(histograms.size(), 1u);
  EXPECT_EQ(histograms[0].first, "weight");
  EXPECT_EQ(histograms[0].second.count, 6);
}

}  // namespace
}  // namespace mae
