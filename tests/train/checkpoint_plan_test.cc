#include "train/checkpoint_plan.h"

#include <gmock/gmock.h>

#include "train/run_counters.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr int64_t kEpoch = 10;  // steps

// Ten epochs of ten steps.
JobOptions PlanOptions() {
  JobOptions options;
  options.schedule.epochs = 10;
  options.checkpoint_every_epochs = 4;
  return options;
}

std::vector<int64_t> DueSteps(const JobOptions& options) {
  const CheckpointPlan plan(options, kEpoch);
  std::vector<int64_t> due;
  for (int64_t step = 0; step <= 100; ++step) {
    if (plan.IsDue(step)) due.push_back(step);
  }
  return due;
}

TrainingProgress Best(int64_t best_step) {
  TrainingProgress progress;
  progress.step = best_step;
  NoteValidation(progress, {0.5, std::nullopt});
  return progress;
}

TEST(CheckpointPlan, CheckpointsAreDueEverySoManyEpochsAndAtTheEnd) {
  EXPECT_THAT(DueSteps(PlanOptions()), ElementsAre(40, 80, 100));
}

TEST(CheckpointPlan, EverySoManyStepsBesides) {
  JobOptions options = PlanOptions();
  options.checkpoint_every_steps = 30;
  EXPECT_THAT(DueSteps(options), ElementsAre(30, 40, 60, 80, 90, 100));
}

TEST(CheckpointPlan, EpochsThatAreKeptForGoodHaveOne) {
  JobOptions options = PlanOptions();
  options.checkpoint_keep_every_epochs = 3;
  EXPECT_THAT(DueSteps(options), ElementsAre(30, 40, 60, 80, 90, 100));
}

TEST(CheckpointPlan, OnlyWhatIsDueOrTheBestIsGoneBackTo) {
  JobOptions options = PlanOptions();
  EXPECT_FALSE(CheckpointPlan(options, kEpoch).IsRollbackPoint(70, 70))
      << "it was not written for being best";
  options.checkpoint_keep_best = true;
  const CheckpointPlan plan(options, kEpoch);
  EXPECT_TRUE(plan.IsRollbackPoint(40, 70));
  EXPECT_TRUE(plan.IsRollbackPoint(70, 70));
  EXPECT_FALSE(plan.IsRollbackPoint(43, 70));
  EXPECT_FALSE(plan.IsRollbackPoint(0, 0));
}

TEST(CheckpointPlan, TheLastStay) {
  JobOptions options = PlanOptions();
  options.checkpoint_keep_last = 2;
  const CheckpointPlan plan(options, kEpoch);
  EXPECT_THAT(plan.Superfluous({40, 80, 100}, {}), ElementsAre(40));
  EXPECT_THAT(plan.Superfluous({40, 80}, {}), IsEmpty());
  EXPECT_THAT(plan.Superfluous({}, {}), IsEmpty());
}

TEST(CheckpointPlan, TheBestStaysBesidesUntilThereIsABetterOne) {
  JobOptions options = PlanOptions();
  options.checkpoint_keep_last = 1;
  options.checkpoint_keep_best = true;
  const CheckpointPlan plan(options, kEpoch);
  EXPECT_THAT(plan.Superfluous({20, 40, 80, 100}, Best(20)), UnorderedElementsAre(40, 80));
  EXPECT_THAT(plan.Superfluous({20, 80, 90}, Best(90)), UnorderedElementsAre(20, 80));
  options.checkpoint_keep_best = false;
  EXPECT_THAT(CheckpointPlan(options, kEpoch).Superfluous({20, 80}, Best(20)), ElementsAre(20));
}

TEST(CheckpointPlan, EveryKthEpochStaysForGood) {
  JobOptions options = PlanOptions();
  options.checkpoint_keep_last = 1;
  options.checkpoint_keep_every_epochs = 3;
  EXPECT_THAT(CheckpointPlan(options, kEpoch).Superfluous({30, 40, 60, 80, 90, 100}, {}),
              UnorderedElementsAre(40, 80));
}

TEST(CheckpointPlan, TheNewestToGoBackToStaysBelowThoseThatStopsWrote) {
  JobOptions options = PlanOptions();
  options.checkpoint_keep_last = 1;
  EXPECT_THAT(CheckpointPlan(options, kEpoch).Superfluous({40, 80, 83, 87}, {}),
              UnorderedElementsAre(40, 83));
}

}  // namespace
}  // namespace mae
