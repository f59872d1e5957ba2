#include "train/run_counters.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mae {
namespace {

TrainingProgress AtStep(int64_t step) {
  TrainingProgress progress;
  progress.step = step;
  return progress;
}

TEST(RunCounters, ACheckpointFromBeforeThereWereAnyReadsAsNoRollback) {
  const TrainingProgress old;
  EXPECT_EQ(LearningRateScale(old), 1.0);
  EXPECT_EQ(RollbacksOf(old), 0);
  EXPECT_EQ(BestStepOf(old), 0);
}

TEST(RunCounters, TheBestIsTheLowestLossOrTheHighestAccuracy) {
  TrainingProgress pretrain = AtStep(5), finetune = AtStep(5);
  EXPECT_TRUE(NoteValidation(pretrain, {0.5, std::nullopt}));
  EXPECT_TRUE(NoteValidation(finetune, {0.5, 0.8}));
  pretrain.step = finetune.step = 10;
  EXPECT_FALSE(NoteValidation(pretrain, {0.6, std::nullopt}));
  EXPECT_TRUE(NoteValidation(finetune, {0.6, 0.9}));
  EXPECT_EQ(BestStepOf(pretrain), 5);
  EXPECT_EQ(*pretrain.best_metric, 0.5);
  EXPECT_EQ(BestStepOf(finetune), 10);
  EXPECT_EQ(*finetune.best_metric, 0.9);
  EXPECT_FALSE(NoteValidation(finetune, {0.1, 0.9})) << "as good is not better";
}

TEST(RunCounters, AValueThatIsNotFiniteIsNeverTheBest) {
  TrainingProgress progress = AtStep(5);
  EXPECT_FALSE(NoteValidation(progress, {std::nan(""), std::nullopt}));
  EXPECT_FALSE(NoteValidation(progress, {-HUGE_VAL, std::nullopt}));
  EXPECT_FALSE(progress.best_metric.has_value());
}

TEST(RunCounters, ARollbackStandsAtItsTargetAndForgetsNoRollbackAndNoSkippedStep) {
  TrainingProgress target = AtStep(20), now = AtStep(35);
  target.epoch = 2;
  target.counters = {{"images", 200}, {"skipped_steps", 1}};
  now.counters = {{"images", 350}, {"skipped_steps", 11}};
  const TrainingProgress once = RolledBack(target, now, 0.5);
  EXPECT_EQ(once.step, 20);
  EXPECT_EQ(once.epoch, 2);
  EXPECT_EQ(once.counters.at("images"), 200);
  EXPECT_EQ(once.counters.at("skipped_steps"), 11);
  EXPECT_EQ(RollbacksOf(once), 1);
  EXPECT_EQ(LearningRateScale(once), 0.5);
  const TrainingProgress twice = RolledBack(target, once, 0.5);
  EXPECT_EQ(RollbacksOf(twice), 2) << "though the target knows of none";
  EXPECT_EQ(LearningRateScale(twice), 0.25);
}

}  // namespace
}  // namespace mae
