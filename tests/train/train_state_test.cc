#include "train/train_state.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "checkpoint/manifest.h"
#include "tests/fakes/lone_rank.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/train/memory_job_db.h"
#include "tests/train/puppet_task.h"
#include "train/run_counters.h"
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
    return TrainState::Open(options_, folder_, task_, recorder_, kStepsPerEpoch, LoneRank());
  }

  // So that every epoch's end is at a multiple of it; by far more than these tests take.
  static constexpr int64_t kStepsPerEpoch = 1000;

  // Takes `steps` optimizer steps, saves after the last, and waits until that is done.
  void StepAndSave(TrainState& state, int64_t steps) {
    TrainStep step(options_, task_, state.optimizer(), torch::Device(torch::kCPU), LoneRank());
    for (int64_t i = 0; i < steps; ++i) {
      step.Run({torch::zeros({1}), torch::zeros({1}, torch::kInt64), {0}}, 0, state.progress().step, 0.01);
      ++state.progress().step;
    }
    state.Save(recorder_);
    state.Finish(recorder_);
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
  EXPECT_THAT(db_.rewound_to, ElementsAre(0));
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
  EXPECT_EQ(db_.rewound_to.back(), 3);
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

TEST_F(TrainStateTest, TrainingGoesOnWhileACheckpointIsWrittenAndItShowsTheStepItIsOf) {
  auto state = Open().value();
  StepAndSave(*state, 1);
  const double saved = task_.weight();
  state->progress().step = 2;
  state->Save(recorder_);
  // Before or while it is written.
  const torch::NoGradGuard no_grad;
  task_.model().parameters()[0].fill_(77.0);
  state->progress().step = 3;
  state->Finish(recorder_);
  EXPECT_EQ(Open().value()->progress().step, 2);
  EXPECT_EQ(task_.weight(), saved);
}

TEST_F(TrainStateTest, AStopSaysThatAResumeGoesOnFromItsCheckpoint) {
  auto state = Open().value();
  state->progress().step = 3;
  state->SaveAndStop(recorder_, /*is_sound=*/true);
  EXPECT_EQ(db_.Of<LogEvent>().back(),
            (LogEvent{"info", "stopped after 3 steps; a resume goes on from step 3"}));
}

TEST_F(TrainStateTest, AStopWhoseLastCheckpointCannotBeWrittenSaysFromWhereAResumeGoesOn) {
  auto state = Open().value();
  StepAndSave(*state, 1);
  state->progress().step = 4;
  {
    const FileSizeLimit full(16);
    state->SaveAndStop(recorder_, /*is_sound=*/true);
  }
  const auto said = db_.Of<LogEvent>();
  EXPECT_THAT(said[said.size() - 2].text, HasSubstr("no checkpoint at step 4"));
  EXPECT_THAT(said.back().text,
              HasSubstr("without a checkpoint of the last 3; a resume goes on from step 1"));
  EXPECT_EQ(Open().value()->progress().step, 1);
}

TEST_F(TrainStateTest, AStopWithoutAnyCheckpointSaysThatAResumeStartsFromTheBeginning) {
  auto state = Open().value();
  state->progress().step = 2;
  {
    const FileSizeLimit full(16);
    state->SaveAndStop(recorder_, /*is_sound=*/true);
  }
  const auto said = db_.Of<LogEvent>();
  EXPECT_THAT(said[said.size() - 2].text,
              AllOf(HasSubstr("no checkpoint at step 2"), HasSubstr("there is none"),
                    testing::Not(HasSubstr("training goes on"))));
  EXPECT_THAT(said.back().text, HasSubstr("a resume starts from the beginning"));
}

TEST_F(TrainStateTest, AStopAmidSkippedStepsKeepsTheCheckpointBeforeThem) {
  auto state = Open().value();
  StepAndSave(*state, 1);
  state->progress().step = 4;
  state->SaveAndStop(recorder_, /*is_sound=*/false);
  EXPECT_THAT(db_.Of<LogEvent>().back().text, HasSubstr("a resume goes on from step 1"));
  EXPECT_EQ(Open().value()->progress().step, 1);
}

TEST_F(TrainStateTest, RollsBackToTheNewestCheckpointOfThePlanAndKeepsWhatWasCounted) {
  options_.checkpoint_every_steps = 2;
  options_.checkpoint_keep_last = 1;
  auto state = Open().value();
  StepAndSave(*state, 2);
  const double planned = task_.weight();
  StepAndSave(*state, 1);  // as a stop does
  state->progress().counters["skipped_steps"] = 7;
  ASSERT_THAT(state->RollBack(0.5, recorder_), IsOk());
  EXPECT_EQ(task_.weight(), planned);
  EXPECT_EQ(state->progress().step, 2);
  EXPECT_EQ(LearningRateScale(state->progress()), 0.5);
  EXPECT_EQ(RollbacksOf(state->progress()), 1);
  EXPECT_EQ(state->progress().counters["skipped_steps"], 7);
  EXPECT_EQ(db_.rewound_to.back(), 2);
  ASSERT_THAT(state->RollBack(0.5, recorder_), IsOk());
  EXPECT_EQ(LearningRateScale(state->progress()), 0.25);
  EXPECT_EQ(RollbacksOf(state->progress()), 2);

  StepAndSave(*state, 1);  // takes the place of the one that was left behind
  const auto resumed = Open().value();
  EXPECT_EQ(resumed->progress().step, 3);
  EXPECT_EQ(LearningRateScale(resumed->progress()), 0.25) << "a resume keeps the scale";
  EXPECT_EQ(RollbacksOf(resumed->progress()), 2);
}

TEST_F(TrainStateTest, RollsBackToTheInitialWeightsWhereThePlanHasWrittenNothing) {
  const auto state = Open().value();
  StepAndSave(*state, 1);  // as a stop does
  const double first = task_.weight();
  PuppetTask fresh([](int64_t) { return 1.0; });  // as the next process makes it
  const auto resumed =
      TrainState::Open(options_, folder_, fresh, recorder_, kStepsPerEpoch, LoneRank()).value();
  ASSERT_EQ(fresh.weight(), first);
  ASSERT_THAT(resumed->RollBack(0.5, recorder_), IsOk());
  EXPECT_EQ(fresh.weight(), 1.0);
  EXPECT_EQ(resumed->progress().step, 0);
  EXPECT_EQ(resumed->progress().seed, 42u);
  TrainStep(options_, fresh, resumed->optimizer(), torch::Device(torch::kCPU), LoneRank())
      .Run({torch::zeros({1}), torch::zeros({1}, torch::kInt64), {0}}, 0, 0, 0.01);
  EXPECT_EQ(fresh.weight(), first) << "the moments began anew too";
}

TEST_F(TrainStateTest, WithoutAWholeCheckpointToGoBackToIsDataLoss) {
  options_.checkpoint_every_steps = 1;
  const auto state = Open().value();
  StepAndSave(*state, 1);
  state->NoteSaved(recorder_);
  std::filesystem::remove_all(folder_.checkpoints() / CheckpointFolderName(1));
  EXPECT_THAT(state->RollBack(0.5, recorder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("diverged at step 1")));
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
