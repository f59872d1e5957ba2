#include "train/train_state.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "checkpoint/manifest.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/train/memory_job_db.h"
#include "tests/train/puppet_task.h"
#include "train/train_step.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

// While it lives, no file of this process may grow beyond so many bytes, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    former_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &former_);
    const rlimit limit{bytes, former_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &former_);
    std::signal(SIGXFSZ, former_handler_);
  }

 private:
  rlimit former_{};
  void (*former_handler_)(int);
};

class TrainStateTest : public testing::Test {
 protected:
  TrainStateTest() {
    options_.precision = Precision::kFp32;
    options_.seed = 42;
    options_.checkpoint_keep_last = 2;
  }

  absl::StatusOr<std::unique_ptr<TrainState>> Open() {
    return TrainState::Open(options_, folder_, task_, recorder_);
  }

  // Takes `steps` optimizer steps and saves after the last.
  void StepAndSave(TrainState& state, int64_t steps) {
    TrainStep step(options_, task_, state.adamw(), torch::Device(torch::kCPU));
    for (int64_t i = 0; i < steps; ++i) {
      step.Run({torch::zeros({1}), torch::zeros({1}, torch::kInt64), {0}}, 0, state.progress().step, 0.01);
      ++state.progress().step;
    }
    state.Save(recorder_);
  }

  std::filesystem::path WeightsOf(int64_t step) const {
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.checkpoints() / CheckpointFolderName(step))) {
      if (entry.path().extension() == ".safetensors") return entry.path();
    }
    return {};
  }

  TempFolder temp_;
  JobFolder folder_{temp_.path()};
  JobOptions options_;
  MemoryJobDb db_;
  JobRecorder recorder_{db_, [](const LogEvent&) {}};
  PuppetTask task_{[](int64_t) { return 1.0; }};
};

TEST_F(TrainStateTest, StartsAnewWhereThereIsNoCheckpoint) {
  const auto state = Open();
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ((*state)->progress().step, 0);
  EXPECT_EQ((*state)->progress().seed, 42u);
  EXPECT_THAT(db_.truncated_after, ElementsAre(0));
}

TEST_F(TrainStateTest, GoesOnWithWeightsMomentsAndProgress) {
  auto state = Open().value();
  state->progress().epoch = 2;
  state->progress().batch = 1;
  state->progress().counters["images"] = 99;
  StepAndSave(*state, 3);
  const double saved = task_.weight();
  const TrainingProgress progress = state->progress();
  StepAndSave(*state, 1);
  const double next = task_.weight();
  std::filesystem::remove_all(folder_.checkpoints() / CheckpointFolderName(4));

  auto resumed = Open().value();
  EXPECT_EQ(task_.weight(), saved);
  EXPECT_EQ(resumed->progress(), progress);
  EXPECT_EQ(db_.truncated_after.back(), 3);
  StepAndSave(*resumed, 1);
  EXPECT_EQ(task_.weight(), next) << "the moments went on too";
}

TEST_F(TrainStateTest, RecordsEachCheckpointOnce) {
  auto state = Open().value();
  state->Save(recorder_);
  EXPECT_THAT(db_.Of<CheckpointEvent>(), IsEmpty()) << "there is nothing to save before the first step";
  StepAndSave(*state, 2);
  state->Save(recorder_);
  EXPECT_THAT(db_.Of<CheckpointEvent>(),
              ElementsAre(CheckpointEvent{2, "checkpoints/" + CheckpointFolderName(2)}));
  EXPECT_TRUE(std::filesystem::is_directory(folder_.root() / db_.Of<CheckpointEvent>()[0].path));
}

TEST_F(TrainStateTest, PassesOverADamagedCheckpointWithAWarning) {
  auto state = Open().value();
  StepAndSave(*state, 2);
  StepAndSave(*state, 2);
  std::filesystem::resize_file(WeightsOf(4), 10);
  const auto resumed = Open();
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ((*resumed)->progress().step, 2);
  EXPECT_THAT(db_.Of<LogEvent>(),
              testing::Contains(AllOf(Field(&LogEvent::severity, "warning"),
                                      Field(&LogEvent::text, HasSubstr("step-000000004")))));
}

TEST_F(TrainStateTest, NeverStartsAnewOverDamagedCheckpoints) {
  auto state = Open().value();
  StepAndSave(*state, 2);
  std::filesystem::resize_file(WeightsOf(2), 10);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(TrainStateTest, RefusesACheckpointOfAnotherSeed) {
  StepAndSave(*Open().value(), 1);
  options_.seed = 43;
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("42"), HasSubstr("43"))));
}

TEST_F(TrainStateTest, AFullDiskIsRecordedAndTheLastGoodCheckpointStays) {
  auto state = Open().value();
  StepAndSave(*state, 1);
  {
    const FileSizeLimit full(16);
    StepAndSave(*state, 1);
  }
  EXPECT_THAT(db_.Of<LogEvent>(),
              testing::Contains(AllOf(Field(&LogEvent::severity, "error"),
                                      Field(&LogEvent::text, HasSubstr("step 2")),
                                      Field(&LogEvent::text, HasSubstr("last good one is of step 1")))));
  EXPECT_EQ(Open().value()->progress().step, 1);
}

TEST_F(TrainStateTest, TheCheckpointAfterAFullDiskIsWritten) {
  auto state = Open().value();
  {
    const FileSizeLimit full(16);
    StepAndSave(*state, 1);
  }
  StepAndSave(*state, 1);
  EXPECT_EQ(Open().value()->progress().step, 2);
}

}  // namespace
}  // namespace mae
