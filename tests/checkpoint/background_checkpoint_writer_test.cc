#include "checkpoint/background_checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "checkpoint/checkpoint_reader.h"
#include "tests/checkpoint/keep_last.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/fakes/faulty_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Lets each commit end only when the test says so: it holds the retention, which a commit calls last.
class Gate {
 public:
  Retention retention() {
    return [this](const std::vector<int64_t>& steps, const TrainingProgress& newest) {
      absl::MutexLock lock(&mutex_);
      arrived_ = newest.step;
      mutex_.Await(absl::Condition(&open_));
      return KeepLast(2)(steps, newest);
    };
  }
  void WaitFor(int64_t step) {
    const auto is_there = [&] { return arrived_ == step; };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&is_there));
  }
  void Open() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }

 private:
  absl::Mutex mutex_;
  bool open_ = false;
  int64_t arrived_ = 0;
};

int64_t NewestStep(const std::filesystem::path& folder) {
  const auto latest = ReadLatestCheckpoint(folder);
  return latest.ok() && IsSample(latest->checkpoint, latest->checkpoint.progress.step)
             ? latest->checkpoint.progress.step
             : -1;
}

TEST(BackgroundCheckpointWriter, WritesWhatWasThereWhenItWasAskedNotWhatTrainingMadeOfIt) {
  const TempFolder folder;
  Gate gate;
  BackgroundCheckpointWriter writer(CheckpointWriter::Create(folder.path(), gate.retention(), 0).value());
  auto live = SampleCheckpoint(1);
  ASSERT_THAT(writer.Write(live), IsOk());
  for (auto& [name, tensor] : live.model) tensor.fill_(99);
  for (auto& [name, tensor] : live.optimizer) tensor.fill_(99);
  gate.Open();
  writer.Wait();
  EXPECT_EQ(NewestStep(folder.path()), 1);
}

TEST(BackgroundCheckpointWriter, ReturnsBeforeTheCheckpointIsCommitted) {
  const TempFolder folder;
  Gate gate;
  BackgroundCheckpointWriter writer(CheckpointWriter::Create(folder.path(), gate.retention(), 0).value());
  ASSERT_THAT(writer.Write(SampleCheckpoint(1)), IsOk());
  gate.WaitFor(1);
  EXPECT_THAT(writer.TakeOutcomes(), IsEmpty()) << "it is still held";
  gate.Open();
  writer.Wait();
  const auto outcomes = writer.TakeOutcomes();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes[0].step, 1);
  EXPECT_THAT(outcomes[0].status, IsOk());
  EXPECT_THAT(writer.TakeOutcomes(), IsEmpty()) << "each is told once";
}

TEST(BackgroundCheckpointWriter, OneIsInFlightTheNextWaitsForIt) {
  const TempFolder folder;
  Gate gate;
  BackgroundCheckpointWriter writer(CheckpointWriter::Create(folder.path(), gate.retention(), 0).value());
  ASSERT_THAT(writer.Write(SampleCheckpoint(1)), IsOk());
  gate.WaitFor(1);
  std::atomic<bool> opened = false;
  JoinedThread opener([&] {
    opened = true;
    gate.Open();
  });
  ASSERT_THAT(writer.Write(SampleCheckpoint(2)), IsOk());
  EXPECT_TRUE(opened) << "the second was taken while the first was in flight";
  const auto outcomes = writer.TakeOutcomes();
  ASSERT_FALSE(outcomes.empty());
  EXPECT_EQ(outcomes[0].step, 1);
}

TEST(BackgroundCheckpointWriter, ItsEndWaitsForTheOneInFlight) {
  const TempFolder folder;
  {
    BackgroundCheckpointWriter writer(CheckpointWriter::Create(folder.path(), KeepLast(2), 0).value());
    ASSERT_THAT(writer.Write(SampleCheckpoint(1)), IsOk());
  }
  EXPECT_EQ(NewestStep(folder.path()), 1);
}

TEST(BackgroundCheckpointWriter, AFailureIsAnOutcomeAndTheNextIsWritten) {
  const TempFolder folder;
  BackgroundCheckpointWriter writer(CheckpointWriter::Create(folder.path(), KeepLast(2), 0).value());
  {
    FaultyFiles files(folder.path());
    files.FailCall(1, ENOSPC);
    ASSERT_THAT(writer.Write(SampleCheckpoint(1)), IsOk());
    writer.Wait();
  }
  ASSERT_THAT(writer.Write(SampleCheckpoint(2)), IsOk());
  writer.Wait();
  const auto outcomes = writer.TakeOutcomes();
  ASSERT_THAT(outcomes, SizeIs(2));
  EXPECT_THAT(outcomes[0].status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(outcomes[1].status, IsOk());
  EXPECT_EQ(NewestStep(folder.path()), 2);
}

TEST(BackgroundCheckpointWriter, GoingBackMakesRoomForTheStepsAfter) {
  const TempFolder folder;
  BackgroundCheckpointWriter writer(CheckpointWriter::Create(folder.path(), KeepLast(3), 0).value());
  for (const int64_t step : {1, 2, 3}) ASSERT_THAT(writer.Write(SampleCheckpoint(step)), IsOk());
  ASSERT_THAT(writer.GoBackTo(1), IsOk());
  ASSERT_THAT(writer.Write(SampleCheckpoint(2)), IsOk());
  writer.Wait();
  EXPECT_EQ(NewestStep(folder.path()), 2) << "the third is gone";
  for (const auto& outcome : writer.TakeOutcomes()) EXPECT_THAT(outcome.status, IsOk()) << outcome.step;
  EXPECT_THAT(writer.GoBackTo(7), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("step 7")));
}

}  // namespace
}  // namespace mae
