#include "options/metric_order.h"

#include <gtest/gtest.h>

#include <limits>

namespace mae {
namespace {

TEST(MetricOrder, AccuracyGoesUpAndLossGoesDown) {
  for (const char* metric : {"accuracy", "top5_accuracy"}) {
    EXPECT_EQ(MetricOrderOf(metric), MetricOrder::kLargerBetter) << metric;
  }
  EXPECT_EQ(MetricOrderOf("validation_loss"), MetricOrder::kSmallerBetter);
  for (const char* metric : {"loss", "learning_rate", "accuracy ", "", "class_accuracy/cat"}) {
    EXPECT_EQ(MetricOrderOf(metric), MetricOrder::kNone) << metric;
  }
}

TEST(MetricOrder, OnlyWhatIsReallyBetterIsBetter) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(IsBetter(MetricOrder::kLargerBetter, 0.5, 0.4));
  EXPECT_TRUE(IsBetter(MetricOrder::kSmallerBetter, 0.4, 0.5));
  for (const auto order : {MetricOrder::kLargerBetter, MetricOrder::kSmallerBetter, MetricOrder::kNone}) {
    EXPECT_FALSE(IsBetter(order, 0.5, 0.5));
    EXPECT_FALSE(IsBetter(order, nan, 0.5));
    EXPECT_FALSE(IsBetter(order, 0.5, nan));
    EXPECT_FALSE(IsBetter(order, infinity, 0.5));
    EXPECT_FALSE(IsBetter(order, -infinity, 0.5));
  }
  EXPECT_FALSE(IsBetter(MetricOrder::kLargerBetter, 0.4, 0.5));
  EXPECT_FALSE(IsBetter(MetricOrder::kSmallerBetter, 0.5, 0.4));
  EXPECT_FALSE(IsBetter(MetricOrder::kNone, 0.4, 0.5));
}

}  // namespace
}  // namespace mae
