#include "train/step_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mae {
namespace {

using std::chrono::seconds;
const StepMetrics::Clock::time_point kStart{};

torch::Tensor Scalar(double value) { return torch::tensor(static_cast<float>(value)); }

TEST(StepMetrics, WeighsTheLossByImagesAndTheNormBySteps) {
  StepMetrics metrics(kStart);
  metrics.Add(Scalar(1.0), {}, Scalar(3.0), 30);
  metrics.Add(Scalar(5.0), {}, Scalar(5.0), 10);
  const auto interval = metrics.Take(kStart + seconds(4));
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->loss, 2.0);
  EXPECT_DOUBLE_EQ(interval->grad_norm.value(), 4.0);
  EXPECT_DOUBLE_EQ(interval->images_per_second, 10.0);
  EXPECT_EQ(interval->steps, 2);
  EXPECT_FALSE(interval->batch_accuracy);
}

TEST(StepMetrics, LeavesOutWhatDoesNotCountAfterAll) {
  StepMetrics metrics(kStart);
  metrics.Add(Scalar(1.0), {}, Scalar(3.0), 30, Scalar(1));
  metrics.Add(Scalar(std::nan("")), {}, Scalar(HUGE_VAL), 10, Scalar(0));
  const auto interval = metrics.Take(kStart + seconds(3));
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->loss, 1.0);
  EXPECT_DOUBLE_EQ(interval->grad_norm.value(), 3.0);
  EXPECT_DOUBLE_EQ(interval->images_per_second, 10.0);
  metrics.Add(Scalar(std::nan("")), {}, Scalar(HUGE_VAL), 10, Scalar(0));
  EXPECT_FALSE(metrics.Take(kStart + seconds(4)));
}

TEST(StepMetrics, TakeBeginsANewInterval) {
  StepMetrics metrics(kStart);
  metrics.Add(Scalar(1.0), {}, Scalar(1.0), 10);
  metrics.Take(kStart + seconds(1));
  EXPECT_FALSE(metrics.Take(kStart + seconds(2)));
  metrics.Add(Scalar(7.0), {}, Scalar(1.0), 10);
  const auto interval = metrics.Take(kStart + seconds(6));
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->loss, 7.0);
  EXPECT_DOUBLE_EQ(interval->images_per_second, 2.0) << "counted from the last interval with steps";
}

TEST(StepMetrics, RestartForgetsStepsAndTime) {
  StepMetrics metrics(kStart);
  metrics.Add(Scalar(1.0), {}, Scalar(1.0), 10);
  metrics.Restart(kStart + seconds(10));
  metrics.Add(Scalar(2.0), {}, Scalar(1.0), 10);
  const auto interval = metrics.Take(kStart + seconds(11));
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->loss, 2.0);
  EXPECT_DOUBLE_EQ(interval->images_per_second, 10.0);
}

TEST(StepMetrics, GivesTheShareClassifiedRight) {
  StepMetrics metrics(kStart);
  metrics.Add(Scalar(1.0), Scalar(6.0), Scalar(1.0), 8);
  metrics.Add(Scalar(1.0), Scalar(0.0), Scalar(1.0), 8);
  EXPECT_DOUBLE_EQ(metrics.Take(kStart + seconds(1))->batch_accuracy.value(), 6.0 / 16.0);
}

TEST(Eta, IsZeroBeforeAnythingIsKnown) { EXPECT_EQ(Eta().Remaining(100, 2), 0.0); }

TEST(Eta, CountsStepsAndEndsOfEpochs) {
  Eta eta;
  eta.AddSteps(10, 5.0);
  EXPECT_DOUBLE_EQ(eta.Remaining(100, 2), 50.0);
  eta.AddEpochEnd(7.0);
  EXPECT_DOUBLE_EQ(eta.Remaining(100, 2), 64.0);
}

TEST(Eta, FollowsAChangeOfSpeedSmoothly) {
  Eta eta;
  eta.AddSteps(10, 10.0);
  eta.AddSteps(10, 20.0);
  EXPECT_GT(eta.Remaining(1, 0), 1.0);
  EXPECT_LT(eta.Remaining(1, 0), 2.0);
  for (int i = 0; i < 20; ++i) eta.AddSteps(10, 20.0);
  EXPECT_NEAR(eta.Remaining(1, 0), 2.0, 0.01);
}

TEST(StepMetrics, MeansTheNormOverTheStepsOfTheOptimizer) {
  const auto start = StepMetrics::Clock::now();
  StepMetrics metrics(start);
  metrics.Add(torch::tensor(1.0F), {}, {}, 1);
  EXPECT_FALSE(metrics.Take(start)->grad_norm.has_value());
  metrics.Add(torch::tensor(1.0F), {}, {}, 1);
  metrics.Add(torch::tensor(1.0F), {}, torch::tensor(6.0F), 1);
  EXPECT_DOUBLE_EQ(metrics.Take(start)->grad_norm.value(), 6.0);
}

}  // namespace
}  // namespace mae
