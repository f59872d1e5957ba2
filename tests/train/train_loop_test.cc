#include "train/train_loop.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "tests/fakes/status_matchers.h"
#include "tests/train/cpu_device.h"
#include "tests/train/memory_job_db.h"
#include "tests/train/puppet_task.h"
#include "tests/train/tiny_job.h"
#include "train/pretrain_task.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Pair;

// Two epochs of five steps.
class TrainLoopTest : public testing::Test {
 protected:
  absl::StatusOr<bool> Run(TrainTask& task, bool stop = false) {
    const TrainData data = LoadTrainData(options_).value();
    const auto state = TrainState::Open(options_, folder_, task, recorder_).value();
    const std::atomic<bool> flag = stop;
    TrainLoop loop(options_, folder_, data, task, *state, recorder_, kCpu, flag);
    auto done = loop.Run();
    progress_ = state->progress();
    return done;
  }

  absl::StatusOr<bool> RunWithLossNotFinite(std::set<int64_t> calls) {
    PuppetTask task([calls](int64_t call) { return calls.count(call) > 0 ? std::nan("") : 1.0; });
    auto done = Run(task);
    weight_ = task.weight();
    return done;
  }

  TinyJob job_;
  JobOptions options_ = job_.Pretrain();
  JobFolder folder_{job_.root() / "job"};
  MemoryJobDb db_;
  JobRecorder recorder_{db_, [](const LogEvent&) {}};
  TrainingProgress progress_;
  double weight_ = 0;
};

TEST_F(TrainLoopTest, RunsEveryEpoch) {
  ASSERT_THAT(RunWithLossNotFinite({}), IsOkAndHolds(true));
  EXPECT_EQ(progress_.step, 10);
  EXPECT_EQ(progress_.epoch, 2);
  EXPECT_EQ(progress_.batch, 0);
  EXPECT_EQ(progress_.counters["images"], 144.0);
  EXPECT_EQ(progress_.counters["skipped_steps"], 0.0);
}

TEST_F(TrainLoopTest, CountsAndTellsAFewStepsThatAreNotFinite) {
  ASSERT_THAT(RunWithLossNotFinite({2, 3, 4}), IsOkAndHolds(true));
  EXPECT_EQ(progress_.step, 10);
  EXPECT_EQ(progress_.counters["skipped_steps"], 3.0);
  EXPECT_TRUE(std::isfinite(weight_));
  int64_t told = 0;
  for (const auto& event : db_.Of<LogEvent>()) told += event.severity == "warning" ? 1 : 0;
  EXPECT_EQ(told, 1) << "once a row";
  EXPECT_THAT(db_.Of<MetricsEvent>().back().values, Contains(Pair("skipped_steps_total", 3.0)));
}

TEST_F(TrainLoopTest, EndsWhenTrainingDiverges) {
  EXPECT_THAT(RunWithLossNotFinite({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("learning_rate")));
}

TEST_F(TrainLoopTest, StoppedBeforeTheFirstStepLeavesNothing) {
  PuppetTask task([](int64_t) { return 1.0; });
  ASSERT_THAT(Run(task, /*stop=*/true), IsOkAndHolds(false));
  EXPECT_EQ(progress_.step, 0);
  EXPECT_TRUE(db_.Of<CheckpointEvent>().empty());
}

TEST_F(TrainLoopTest, WritesACheckpointEverySoManyEpochsAndAtTheEnd) {
  options_.schedule.epochs = 5;
  options_.checkpoint_every_epochs = 2;
  ASSERT_THAT(RunWithLossNotFinite({}), IsOkAndHolds(true));
  std::vector<int64_t> steps;
  for (const auto& event : db_.Of<CheckpointEvent>()) steps.push_back(event.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{10, 20, 25}));
}

TEST_F(TrainLoopTest, FollowsTheSchedule) {
  options_.schedule = {2, 0.0, 0.0, 0.0, ScheduleUnit::kEpoch};
  options_.optimizer.learning_rate = 0.01;
  ASSERT_THAT(RunWithLossNotFinite({}), IsOkAndHolds(true));
  const auto events = db_.Of<MetricsEvent>();
  EXPECT_THAT(events.front().values, Contains(Pair("learning_rate", 0.01)));
  EXPECT_THAT(events[events.size() - 2].values, Contains(Pair("learning_rate", testing::DoubleEq(0.005))));
}

TEST_F(TrainLoopTest, APictureThatCannotBeWrittenDoesNotEndTheJob) {
  PretrainTask task(options_, {}, kCpu);
  ASSERT_THAT(Run(task), IsOkAndHolds(true)) << "there is no samples folder";
  EXPECT_THAT(db_.Of<LogEvent>(), Contains(AllOf(Field(&LogEvent::severity, "error"),
                                                 Field(&LogEvent::text, HasSubstr("no picture")))));
}

}  // namespace
}  // namespace mae
