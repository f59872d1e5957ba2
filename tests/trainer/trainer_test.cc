// The mae_trainer binary from outside: exit codes, signals, kills.
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "base/durable_file.h"
#include "recipe/recipe_json.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/tiny_job.h"
#include "tests/trainer/trainer_process.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

class TrainerTest : public testing::Test {
 protected:
  // A job that goes on for as long as a test needs: five steps an epoch.
  JobOptions Long() const {
    JobOptions options = job_.Pretrain();
    options.schedule.epochs = 100000;
    options.pictures = 0;
    return options;
  }

  void Write(const JobOptions& options) const {
    std::filesystem::create_directories(folder_.root());
    ASSERT_THAT(WriteFileDurably(folder_.spec(), JobOptionsToJson(options)), IsOk());
  }

  std::vector<std::string> Arguments() const { return {"--job-dir", folder_.root().string()}; }
  StateEvent LastState() const { return EventsOf<StateEvent>(folder_).back(); }

  TinyJob job_;
  JobFolder folder_ = job_.Folder("job");
};

// 1, 2, … n.
std::vector<int64_t> UpTo(int64_t n, int64_t stride = 1) {
  std::vector<int64_t> steps;
  for (int64_t step = stride; step <= n; step += stride) steps.push_back(step);
  return steps;
}

TEST_F(TrainerTest, TrainsWithoutAServer) {
  Write(job_.Pretrain());
  TrainerProcess trainer(Arguments());
  EXPECT_THAT(trainer.Wait(), Optional(0));
  EXPECT_THAT(trainer.output(), HasSubstr("epoch 2/2, learning rate"));
  EXPECT_THAT(trainer.output(), HasSubstr("SUCCEEDED"));
  EXPECT_EQ(LastState().state, JobState::kSucceeded);
  EXPECT_TRUE(std::filesystem::exists(folder_.exported() / "model.safetensors"));
}

TEST_F(TrainerTest, WithoutAJobFolderIsWrongUsage) {
  EXPECT_THAT(TrainerProcess({}).Wait(), Optional(2));
  EXPECT_THAT(TrainerProcess({"--job-dir", (job_.root() / "nowhere").string()}).Wait(), Optional(2));
  EXPECT_THAT(TrainerProcess({"--job-dir", job_.root().string(), "--fast"}).Wait(), Optional(2));
  EXPECT_THAT(TrainerProcess({"--help"}).Wait(), Optional(0));
}

TEST_F(TrainerTest, ASpecItCannotReadFailsTheJob) {
  std::filesystem::create_directories(folder_.root());
  ASSERT_THAT(WriteFileDurably(folder_.spec(), R"({"spec": {"pretrian": {}}})"), IsOk());
  TrainerProcess trainer(Arguments());
  EXPECT_THAT(trainer.Wait(), Optional(1));
  EXPECT_EQ(LastState().state, JobState::kFailed);
  EXPECT_THAT(LastState().error, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pretrian")));
}

TEST_F(TrainerTest, AFolderWithoutASpecFailsTheJob) {
  std::filesystem::create_directories(folder_.root());
  EXPECT_THAT(TrainerProcess(Arguments()).Wait(), Optional(1));
  EXPECT_THAT(LastState().error, StatusIs(absl::StatusCode::kNotFound, HasSubstr("spec.json")));
}

TEST_F(TrainerTest, ATruncatedDatasetFailsTheJobWithTheFilesName) {
  Write(job_.Pretrain());
  std::filesystem::resize_file(job_.root() / "data" / "train-images-idx3-ubyte", 1000);
  TrainerProcess trainer(Arguments());
  EXPECT_THAT(trainer.Wait(), Optional(1));
  EXPECT_EQ(LastState().state, JobState::kFailed);
  EXPECT_THAT(LastState().error,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("train-images-idx3-ubyte")));
  EXPECT_THAT(trainer.output(), HasSubstr("train-images-idx3-ubyte"));
}

TEST_F(TrainerTest, LeavesAFolderAloneThatAnotherRuns) {
  Write(Long());
  TrainerProcess first(Arguments());
  ASSERT_TRUE(first.WaitForOutput("step 1 of 5")) << first.output();
  EXPECT_THAT(TrainerProcess(Arguments()).Wait(), Optional(3));
  first.Signal(SIGTERM);
  EXPECT_THAT(first.Wait(), Optional(0));
  EXPECT_EQ(EventsOf<StateEvent>(folder_).size(), 2u) << "the second recorded nothing";
}

class StopTest : public TrainerTest, public testing::WithParamInterface<int> {};

TEST_P(StopTest, WritesACheckpointAndStops) {
  Write(Long());
  TrainerProcess trainer(Arguments());
  ASSERT_TRUE(trainer.WaitForOutput("epoch 2/")) << trainer.output();
  trainer.Signal(GetParam());
  EXPECT_THAT(trainer.Wait(), Optional(0));
  EXPECT_EQ(LastState().state, JobState::kStopped);
  const auto steps = StepsOf(folder_, "loss");
  EXPECT_EQ(EventsOf<CheckpointEvent>(folder_).back().step, steps.back()) << "no step was lost";
}

INSTANTIATE_TEST_SUITE_P(Signals, StopTest, testing::Values(SIGTERM, SIGINT));

TEST_F(TrainerTest, KilledAndRunAgainGoesOnWithoutGapOrTwin) {
  Write(Long());
  {
    TrainerProcess killed(Arguments());
    ASSERT_TRUE(killed.WaitForOutput("epoch 4/")) << killed.output();
    killed.Signal(SIGKILL);
    EXPECT_EQ(killed.Wait(), std::nullopt);
  }
  TrainerProcess again(Arguments());
  ASSERT_TRUE(again.WaitForOutput("resumed from step-0000000")) << again.output();
  ASSERT_TRUE(again.WaitForOutput("epoch 8/")) << again.output();
  again.Signal(SIGTERM);
  EXPECT_THAT(again.Wait(), Optional(0));
  const auto steps = StepsOf(folder_, "loss");
  EXPECT_GE(steps.back(), 35);
  EXPECT_EQ(steps, UpTo(steps.back()));
  const auto validations = StepsOf(folder_, "validation_loss");
  EXPECT_EQ(validations, UpTo(validations.back(), 5));
  EXPECT_THAT(EventsOf<StateEvent>(folder_),
              ElementsAre(StateEvent{JobState::kRunning, {}}, StateEvent{JobState::kRunning, {}},
                          StateEvent{JobState::kStopped, {}}));
}

}  // namespace
}  // namespace mae
