#include "train/run_checkpoints.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "checkpoint/manifest.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/train/memory_job_db.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A job of 100 epochs of 10 steps, with a checkpoint every 10 steps.
class RunCheckpointsTest : public testing::Test {
 protected:
  RunCheckpointsTest() {
    options_.schedule.epochs = 100;
    options_.checkpoint_keep_last = 1;
  }

  std::unique_ptr<RunCheckpoints> Open(int64_t resumed_step = 0) {
    return RunCheckpoints::Open(options_, folder_, 10, resumed_step).value();
  }

  static TrainingCheckpoint At(int64_t step) {
    TrainingCheckpoint checkpoint;
    checkpoint.model = {{"w", torch::full({2}, static_cast<double>(step))}};
    checkpoint.optimizer = {{"w.step", torch::zeros({})}};
    checkpoint.progress.step = step;
    return checkpoint;
  }

  std::vector<int64_t> OnDisk() const { return ListCheckpointSteps(folder_.checkpoints()).value(); }

  TempFolder temp_;
  JobFolder folder_{temp_.path()};
  JobOptions options_;
  MemoryJobDb db_;
  JobRecorder recorder_{db_, [](const LogEvent&) {}};
};

TEST_F(RunCheckpointsTest, ACheckpointIsRecordedOnceItIsThere) {
  const auto checkpoints = Open();
  checkpoints->Save(At(10), recorder_);
  checkpoints->Finish(recorder_);
  EXPECT_EQ(checkpoints->saved_step(), 10);
  EXPECT_THAT(db_.Of<CheckpointEvent>(), ElementsAre(CheckpointEvent{10, "checkpoints/step-000000010"}));
  checkpoints->Save(At(10), recorder_);
  checkpoints->Finish(recorder_);
  EXPECT_EQ(db_.Of<CheckpointEvent>().size(), 1u) << "it is there already";
}

TEST_F(RunCheckpointsTest, AStopsCheckpointDoesNotPushOutTheOneToGoBackTo) {
  const auto checkpoints = Open();
  for (const int64_t step : {10, 20, 23, 27}) checkpoints->Save(At(step), recorder_);
  checkpoints->Finish(recorder_);
  EXPECT_THAT(OnDisk(), ElementsAre(20, 27));
  const auto target = checkpoints->GoBack(0, recorder_);
  ASSERT_THAT(target, IsOk());
  EXPECT_EQ(target->progress.step, 20);
  EXPECT_EQ(checkpoints->saved_step(), 20);
}

TEST_F(RunCheckpointsTest, ADamagedOneIsNamedAndTheOneBeforeTaken) {
  options_.checkpoint_keep_last = 2;
  const auto checkpoints = Open();
  for (const int64_t step : {10, 20}) checkpoints->Save(At(step), recorder_);
  checkpoints->Finish(recorder_);
  std::filesystem::resize_file(folder_.checkpoints() / "step-000000020/model.safetensors", 3);
  EXPECT_EQ(checkpoints->GoBack(0, recorder_)->progress.step, 10);
  EXPECT_EQ(db_.Of<LogEvent>().back().severity, "warning");
  EXPECT_THAT(db_.Of<LogEvent>().back().text, HasSubstr("step-000000020 passed over"));
  checkpoints->Save(At(20), recorder_);
  checkpoints->Finish(recorder_);
  EXPECT_EQ(checkpoints->GoBack(0, recorder_)->progress.step, 20) << "the next takes its place";
}

TEST_F(RunCheckpointsTest, WithNoneToGoBackToTheRunBeginsAnew) {
  const auto checkpoints = Open();
  checkpoints->Save(At(3), recorder_);
  EXPECT_THAT(checkpoints->GoBack(0, recorder_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(checkpoints->saved_step(), 0);
  checkpoints->Save(At(2), recorder_);
  checkpoints->Finish(recorder_);
  EXPECT_THAT(OnDisk(), ElementsAre(2)) << "the third step was left behind";
}

TEST_F(RunCheckpointsTest, NoCheckpointHasNoPath) {
  EXPECT_EQ(CheckpointEventOf(folder_, 0), CheckpointEvent());
  EXPECT_THAT(OnDisk(), IsEmpty());
}

}  // namespace
}  // namespace mae
