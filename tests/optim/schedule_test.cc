#include "optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <tuple>

#include "tests/optim/reference_run.h"

namespace mae {
namespace {

constexpr double kTight = 1e-12;  // relative

void ExpectRate(double actual, double expected) {
  EXPECT_NEAR(actual, expected, kTight * std::abs(expected) + 1e-300);
}

double EpochRate(const ScheduleOptions& schedule, double peak, int64_t epoch, int64_t step = 0) {
  OptimizerOptions optimizer;
  optimizer.learning_rate = peak;
  return LearningRateAt(schedule, optimizer, epoch, step, 196);
}

const ScheduleOptions kTutorialPretrain = {100, 6.0, 1e-6, 1e-7, ScheduleUnit::kEpoch};
const ScheduleOptions kTutorialFinetune = {10, 3.0, 1e-5, 1e-6, ScheduleUnit::kEpoch};
const ScheduleOptions kFashionPretrain = {5, 1.0, 0.0, 0.0, ScheduleUnit::kStep};

TEST(Schedule, TutorialPretrainFollowsItsTable) {
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 0), 1e-6);
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 1), 1e-6 + 4.9e-5 / 6.0);
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 3), 2.55e-5);
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 5), 1e-6 + 4.9e-5 * 5.0 / 6.0);
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 6), 5e-5);
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 53), (5e-5 + 1e-7) / 2.0);  // half way: (53-6)/(100-6) = 1/2
  ExpectRate(EpochRate(kTutorialPretrain, 5e-5, 99),
             1e-7 + 4.99e-5 * 0.5 * (1.0 + std::cos(std::numbers::pi * 93.0 / 94.0)));
}

TEST(Schedule, TutorialFinetuneFollowsItsTable) {
  ExpectRate(EpochRate(kTutorialFinetune, 5e-4, 0), 1e-5);
  ExpectRate(EpochRate(kTutorialFinetune, 5e-4, 1), 1e-5 + 4.9e-4 / 3.0);
  ExpectRate(EpochRate(kTutorialFinetune, 5e-4, 2), 1e-5 + 4.9e-4 * 2.0 / 3.0);
  ExpectRate(EpochRate(kTutorialFinetune, 5e-4, 3), 5e-4);
  ExpectRate(EpochRate(kTutorialFinetune, 5e-4, 9),
             1e-6 + 4.99e-4 * 0.5 * (1.0 + std::cos(std::numbers::pi * 6.0 / 7.0)));
}

TEST(Schedule, PerEpochRateIsConstantInsideAnEpoch) {
  for (const int64_t epoch : {0, 2, 6, 50}) {
    EXPECT_EQ(EpochRate(kTutorialPretrain, 5e-5, epoch, 0), EpochRate(kTutorialPretrain, 5e-5, epoch, 195));
  }
}

TEST(Schedule, PerStepRateMovesWithEveryStep) {
  OptimizerOptions optimizer;
  optimizer.learning_rate = 1.5e-3;
  const auto rate = [&](int64_t epoch, int64_t step) {
    return LearningRateAt(kFashionPretrain, optimizer, epoch, step, 235);
  };
  EXPECT_EQ(rate(0, 0), 0.0);
  ExpectRate(rate(0, 1), 1.5e-3 / 235.0);
  ExpectRate(rate(0, 234), 1.5e-3 * 234.0 / 235.0);
  ExpectRate(rate(1, 0), 1.5e-3);
  ExpectRate(rate(3, 0), 0.75e-3);  // (3-1)/(5-1) = 1/2
  ExpectRate(rate(2, 47), 1.5e-3 * 0.5 * (1.0 + std::cos(std::numbers::pi * (2.2 - 1.0) / 4.0)));
  EXPECT_GT(rate(4, 233), rate(4, 234));
}

TEST(Schedule, WarmupMayEndInsideAnEpoch) {
  OptimizerOptions optimizer;
  optimizer.learning_rate = 1e-3;
  const ScheduleOptions half = {3, 0.5, 0.0, 0.0, ScheduleUnit::kStep};
  ExpectRate(LearningRateAt(half, optimizer, 0, 25, 100), 0.5e-3);
  ExpectRate(LearningRateAt(half, optimizer, 0, 50, 100), 1e-3);
  EXPECT_LT(LearningRateAt(half, optimizer, 0, 51, 100), 1e-3);
}

TEST(Schedule, WithoutWarmupItStartsAtThePeak) {
  EXPECT_EQ(EpochRate({10, 0.0, 1e-9, 0.0, ScheduleUnit::kStep}, 1e-3, 0), 1e-3);
}

TEST(Schedule, PastTheEndTheRateIsTheEndRate) {
  ExpectRate(EpochRate({10, 2.0, 0.0, 1e-6, ScheduleUnit::kStep}, 1e-3, 10), 1e-6);
  ExpectRate(EpochRate({10, 2.0, 0.0, 1e-6, ScheduleUnit::kStep}, 1e-3, 25), 1e-6);
  ExpectRate(EpochRate({10, 10.0, 0.0, 1e-6, ScheduleUnit::kStep}, 1e-3, 10), 1e-6);
}

TEST(Schedule, CosineMayStartElsewhereThanAtThePeak) {
  ScheduleOptions passl = {800, 40.0, 1e-6, 1e-5, ScheduleUnit::kStep};
  passl.cosine_learning_rate = 3.75e-5;
  OptimizerOptions optimizer;
  optimizer.learning_rate = 1e-3;
  const auto reference = ReferenceJson("schedules");
  for (const auto& place : reference.at("passl-pretrain")) {
    const double t = place[0];
    const auto epoch = static_cast<int64_t>(t);
    const auto step = std::llround(100.0 * (t - static_cast<double>(epoch)));
    ExpectRate(LearningRateAt(passl, optimizer, epoch, step, 100), place[1]);
  }
}

TEST(Schedule, CappedCosineIsThatOfIcarusWizard) {
  const auto reference = ReferenceJson("schedules");
  for (const auto& [name, epochs, warmup, peak] : {std::tuple{"icarus-cifar10-pretrain", 2000, 200.0, 2.4e-3},
                                                   {"icarus-cifar10-finetune", 100, 5.0, 5e-4}}) {
    ScheduleOptions schedule = {epochs, warmup, 0.0, 0.0, ScheduleUnit::kEpoch};
    schedule.shape = ScheduleShape::kCappedCosine;
    for (const auto& place : reference.at(name)) {
      const double wanted = place[1];
      // Its warm-up divides by a sum with 1e-8.
      EXPECT_NEAR(EpochRate(schedule, peak, place[0], 7), wanted, 1e-8 * wanted) << name << " " << place[0];
    }
  }
}

TEST(Schedule, CappedCosineMovesInsideAnEpochByStep) {
  ScheduleOptions schedule = {10, 2.0, 0.0, 0.0, ScheduleUnit::kStep};
  schedule.shape = ScheduleShape::kCappedCosine;
  OptimizerOptions optimizer;
  optimizer.learning_rate = 1.0;
  ExpectRate(LearningRateAt(schedule, optimizer, 0, 0, 100), 0.005);
  ExpectRate(LearningRateAt(schedule, optimizer, 0, 99, 100), 0.5);
  ExpectRate(LearningRateAt(schedule, optimizer, 5, 0, 100), 0.5);
}

}  // namespace
}  // namespace mae
