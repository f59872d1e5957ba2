#include "train/train_loop.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/manifest.h"
#include "tests/fakes/lone_rank.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/cpu_device.h"
#include "tests/train/memory_job_db.h"
#include "tests/train/puppet_task.h"
#include "tests/train/tiny_job.h"
#include "train/pretrain_task.h"
#include "train/run_counters.h"

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
    stop_ = stop;
    const TrainData data = LoadTrainData(options_).value();
    const auto state =
        TrainState::Open(options_, folder_, task, recorder_, StepsPerEpoch(options_, data), LoneRank())
            .value();
    TrainLoop loop(options_, folder_, data, task, *state, recorder_, kCpu, LoneRank(), stop_, profile_steps_,
                   form_);
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
  std::atomic<bool> stop_ = false;
  int64_t profile_steps_ = 0;
  TrainStep::Form form_ = TrainStep::Form::kPlain;
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

// A puppet that WholeSteps can train: whether they were taken is known some steps later.
class SteadyTask : public PuppetTask {
 public:
  using PuppetTask::PuppetTask;
  bool recordable() const override { return true; }
};

TEST_F(TrainLoopTest, CountsAndTellsSkippedStepsThatItHearsOfLate) {
  form_ = TrainStep::Form::kWhole;
  SteadyTask task([](int64_t call) { return call >= 2 && call <= 4 ? std::nan("") : 1.0; });
  ASSERT_THAT(Run(task), IsOkAndHolds(true));
  EXPECT_EQ(progress_.step, 10);
  EXPECT_EQ(progress_.counters["images"], 144.0);
  EXPECT_EQ(progress_.counters["skipped_steps"], 3.0);
  EXPECT_TRUE(std::isfinite(task.weight()));
  std::vector<std::string> told;
  for (const auto& event : db_.Of<LogEvent>()) {
    if (event.severity == "warning") told.push_back(event.text);
  }
  EXPECT_THAT(told, testing::ElementsAre(HasSubstr("step 3 was skipped"))) << "once a row, by its own number";
  for (const auto& event : db_.Of<MetricsEvent>()) {
    const auto loss = event.values.find("loss");
    EXPECT_TRUE(loss == event.values.end() || std::isfinite(loss->second)) << event.step;
  }
}

TEST_F(TrainLoopTest, ARunThatDivergesUnheardGoesBackToo) {
  form_ = TrainStep::Form::kWhole;
  options_.safety = {3, 1, 0.5};
  // The whole second epoch is lost the first time.
  SteadyTask task([](int64_t call) { return call >= 5 && call < 10 ? HUGE_VAL : 1.0; });
  ASSERT_THAT(Run(task), IsOkAndHolds(true));
  EXPECT_EQ(progress_.step, 10);
  EXPECT_EQ(RollbacksOf(progress_), 1);
  EXPECT_EQ(progress_.counters["skipped_steps"], 5.0) << "three to diverge, two before it was known";
  EXPECT_THAT(db_.rewound_to, testing::ElementsAre(0, 5));
}

TEST_F(TrainLoopTest, WholeStepsTrainAsPlainOnesWithAverageAndCheckpoints) {
  options_.optimizer.ema_decay = 0.9;
  options_.histogram_every_epochs = 0;
  // The keys' biases have no gradient but rounding, which AdamW makes steps of.
  std::get<PretrainOptions>(options_.kind).model.encoder.qkv_bias = false;
  const auto train = [&](TrainStep::Form form, const char* folder) {
    form_ = form;
    folder_ = JobFolder(job_.root() / folder);
    PretrainTask task(options_, {}, kCpu);
    EXPECT_THAT(Run(task), IsOkAndHolds(true));
    return ReadLatestCheckpoint(folder_.checkpoints()).value().checkpoint;
  };
  const auto whole = train(TrainStep::Form::kWhole, "whole"), plain = train(TrainStep::Form::kPlain, "plain");
  EXPECT_EQ(whole.progress.step, plain.progress.step);
  ASSERT_EQ(whole.optimizer.size(), plain.optimizer.size());
  for (size_t i = 0; i < plain.optimizer.size(); ++i) {
    const auto& [name, tensor] = plain.optimizer[i];
    EXPECT_TRUE(torch::allclose(whole.optimizer[i].second, tensor, 1e-3, 1e-5)) << name;
  }
  for (size_t i = 0; i < plain.model.size(); ++i)
    EXPECT_TRUE(torch::allclose(whole.model[i].second, plain.model[i].second, 1e-3, 1e-5));
}

// The weight falls by the learning rate a step, from 1; below the edge the loss overflows, whatever the
// batch.
class EdgeTask : public PuppetTask {
 public:
  explicit EdgeTask(
      double edge, std::function<void(int64_t call)> watcher = [](int64_t) {})
      : PuppetTask([this, edge, watcher](int64_t call) {
          watcher(call);
          return weight() < edge ? HUGE_VAL : 1.0;
        }) {}
};

TEST_F(TrainLoopTest, ARunThatDivergesGoesBackWithALowerRateAndRecovers) {
  options_.schedule = {2, 0.0, 0.05, 0.05, ScheduleUnit::kStep};
  options_.optimizer.learning_rate = 0.05;
  options_.optimizer.weight_decay = 0;
  options_.safety = {2, 2, 0.5};
  // At 0.05 a step the weight is 0.75 after the first epoch and beyond the edge after eight steps; from 0.75
  // at half the rate it ends at 0.625.
  EdgeTask task(0.61);
  ASSERT_THAT(Run(task), IsOkAndHolds(true));
  EXPECT_EQ(progress_.step, 10);
  EXPECT_EQ(progress_.counters["skipped_steps"], 2.0);
  EXPECT_EQ(RollbacksOf(progress_), 1);
  EXPECT_EQ(LearningRateScale(progress_), 0.5);
  // The epoch that ended well stays; only the second was done again.
  EXPECT_THAT(db_.rewound_to, testing::ElementsAre(0, 5));
  EXPECT_NEAR(task.weight(), 0.625, 1e-3);
  EXPECT_THAT(db_.Of<LogEvent>(),
              Contains(AllOf(
                  Field(&LogEvent::severity, "warning"),
                  Field(&LogEvent::text, HasSubstr("went back to the checkpoint of step 5, rollback 1 of 2")),
                  Field(&LogEvent::text, HasSubstr("is 0.5 times that of the schedule")))));
  const auto last = db_.Of<MetricsEvent>().back();
  EXPECT_THAT(last.values, Contains(Pair("rollbacks_total", 1.0)));
}

TEST_F(TrainLoopTest, ARunThatWasStoppedAndThenDivergesEndsAsTheUninterruptedOne) {
  options_.schedule = {2, 0.0, 0.05, 0.05, ScheduleUnit::kStep};
  options_.optimizer.learning_rate = 0.05;
  options_.safety = {2, 2, 0.5};
  options_.checkpoint_keep_last = 1;
  EdgeTask whole(0.61);
  ASSERT_THAT(Run(whole), IsOkAndHolds(true));
  ASSERT_EQ(RollbacksOf(progress_), 1);

  folder_ = JobFolder(job_.root() / "stopped");
  EdgeTask first(0.61, [this](int64_t call) { stop_ = call == 6; });
  ASSERT_THAT(Run(first), IsOkAndHolds(false));
  ASSERT_EQ(db_.Of<CheckpointEvent>().back().step, 7);
  EdgeTask second(0.61);  // goes on from the seventh step, and must not go back to it
  ASSERT_THAT(Run(second), IsOkAndHolds(true));
  EXPECT_EQ(RollbacksOf(progress_), 1);
  EXPECT_EQ(second.weight(), whole.weight());
}

TEST_F(TrainLoopTest, ARunThatDivergesInItsFirstEpochGoesBackToTheInitialWeights) {
  options_.safety = {3, 2, 0.5};
  ASSERT_THAT(RunWithLossNotFinite({1, 2, 3}), IsOkAndHolds(true));
  EXPECT_EQ(progress_.step, 10);
  EXPECT_EQ(progress_.counters["images"], 144.0) << "each image of the two epochs once";
  EXPECT_THAT(db_.rewound_to, testing::ElementsAre(0, 0));
  EXPECT_THAT(db_.Of<LogEvent>(),
              Contains(Field(&LogEvent::text, HasSubstr("went back to the initial weights"))));
}

// Steps are taken well; only what the weights make of the validation images is not finite, so often.
class BlindTask : public PuppetTask {
 public:
  explicit BlindTask(int64_t batches) : PuppetTask([](int64_t) { return 1.0; }), batches_(batches) {}
  Measure Validate(const Batch& batch) override {
    Measure measure = PuppetTask::Validate(batch);
    if (batches_-- > 0) measure.loss = measure.loss * std::nan("");
    return measure;
  }

 private:
  int64_t batches_;
};

TEST_F(TrainLoopTest, AnEpochWhoseValidationIsNotFiniteHasDiverged) {
  options_.safety = {3, 2, 0.5};
  BlindTask once(1);
  ASSERT_THAT(Run(once), IsOkAndHolds(true));
  EXPECT_EQ(RollbacksOf(progress_), 1);
  EXPECT_EQ(progress_.epoch, 2);
  EXPECT_THAT(db_.Of<LogEvent>(),
              Contains(Field(&LogEvent::text, HasSubstr("validation loss at step 5 was not finite"))));
}

TEST_F(TrainLoopTest, AJobWhoseValidationNeverIsFiniteFails) {
  options_.safety = {3, 2, 0.5};
  BlindTask always(1000);
  EXPECT_THAT(Run(always), StatusIs(absl::StatusCode::kAborted, HasSubstr("validation loss at step 5")));
}

TEST_F(TrainLoopTest, ARunThatDivergesAgainAndAgainFailsAfterTheLastRollbackWithWhatToDo) {
  options_.safety = {3, 2, 0.5};
  int64_t calls = 0;
  PuppetTask task([&](int64_t call) {
    calls = call + 1;
    return std::nan("");
  });
  EXPECT_THAT(Run(task), StatusIs(absl::StatusCode::kAborted,
                                  AllOf(HasSubstr("after 2 rollbacks"), HasSubstr("learning_rate"))));
  EXPECT_EQ(calls, 9) << "three steps, and three more after each rollback";
  EXPECT_EQ(progress_.counters["skipped_steps"], 9.0);
  EXPECT_TRUE(db_.Of<CheckpointEvent>().empty());
}

TEST_F(TrainLoopTest, ARunThatThrowsLeavesTheProfileOfItsSteps) {
  profile_steps_ = 100;
  std::filesystem::create_directories(folder_.root());
  PuppetTask task([](int64_t call) {
    if (call == 4) throw std::runtime_error("no memory");
    return 1.0;
  });
  EXPECT_THROW((void)Run(task), std::runtime_error);
  EXPECT_THAT(db_.Of<LogEvent>(), Contains(Field(&LogEvent::text, HasSubstr("profile of 2 steps"))));
  EXPECT_TRUE(std::filesystem::exists(folder_.trace()));
}

TEST_F(TrainLoopTest, TheProfileHasTheStepThatARunDivergedAt) {
  profile_steps_ = 100;
  options_.safety = {3, 2, 0.5};
  ASSERT_THAT(RunWithLossNotFinite({1, 2, 3}), IsOkAndHolds(true));
  // Four before the rollback and ten after it, less the two at the start.
  EXPECT_THAT(db_.Of<LogEvent>(), Contains(Field(&LogEvent::text, HasSubstr("profile of 12 steps"))));
}

TEST_F(TrainLoopTest, NoCheckpointIsMadeAmidSkippedSteps) {
  options_.checkpoint_every_steps = 1;
  options_.safety = {3, 2, 0.5};
  ASSERT_THAT(RunWithLossNotFinite({1, 2, 6}), IsOkAndHolds(true));
  std::vector<int64_t> steps;
  for (const auto& event : db_.Of<CheckpointEvent>()) steps.push_back(event.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{1, 4, 5, 6, 8, 9, 10}));
}

TEST_F(TrainLoopTest, WritesACheckpointEverySoManyStepsToo) {
  options_.checkpoint_every_steps = 2;
  ASSERT_THAT(RunWithLossNotFinite({}), IsOkAndHolds(true));
  std::vector<int64_t> steps;
  for (const auto& event : db_.Of<CheckpointEvent>()) steps.push_back(event.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{2, 4, 5, 6, 8, 10}));
}

TEST_F(TrainLoopTest, TheBestValidationKeepsItsCheckpoint) {
  options_.schedule.epochs = 6;
  options_.checkpoint_every_epochs = 3;
  options_.checkpoint_keep_last = 1;
  options_.checkpoint_keep_best = true;
  // The puppet's validation loss is the mean of the images, the same in each epoch: the first is the best.
  ASSERT_THAT(RunWithLossNotFinite({}), IsOkAndHolds(true));
  EXPECT_EQ(BestStepOf(progress_), 5);
  EXPECT_THAT(ListCheckpointSteps(folder_.checkpoints()), IsOkAndHolds(testing::ElementsAre(5, 30)));
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
