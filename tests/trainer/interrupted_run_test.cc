// A run that was stopped or killed, however often, ends as the uninterrupted one does, bit for bit.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/durable_file.h"
#include "checkpoint/manifest.h"
#include "recipe/recipe_json.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/tiny_job.h"
#include "tests/trainer/trainer_process.h"

namespace mae {
namespace {

using testing::Optional;

constexpr int64_t kEpochs = 40, kSteps = 5 * kEpochs;
constexpr int kKills = 20;

class InterruptedRunTest : public testing::Test {
 protected:
  // Long enough for twenty kills; each run repeats what it did after its last checkpoint.
  JobOptions Options() const {
    JobOptions options = job_.Pretrain();
    options.schedule.epochs = kEpochs;
    options.augmentation.horizontal_flip = true;
    options.pictures = 0;
    options.checkpoint_every_steps = 3;
    options.checkpoint_keep_best = true;
    options.checkpoint_keep_every_epochs = 15;
    return options;
  }

  JobFolder FolderOf(const std::string& name) const {
    const JobFolder folder = job_.Folder(name);
    std::filesystem::create_directories(folder.root());
    EXPECT_THAT(WriteFileDurably(folder.spec(), JobOptionsToJson(Options())), IsOk());
    return folder;
  }

  static std::vector<std::string> Arguments(const JobFolder& folder) {
    return {"--job-dir", folder.root().string()};
  }

  static int64_t LastSequence(const JobFolder& folder) {
    const auto reader = JobDbReader::Open(folder.database());
    return reader.ok() ? (*reader)->Summary().value().last_sequence : 0;
  }

  // Whether, above that sequence, a step of at least `step` was recorded; of step 0: that the job runs.
  static bool HasReached(const JobFolder& folder, int64_t after, int64_t step) {
    const auto reader = JobDbReader::Open(folder.database());
    if (!reader.ok()) return false;
    const auto events = (*reader)->EventsAfter(after, 100000).value();
    return std::any_of(events.begin(), events.end(), [&](const JobEvent& event) {
      const auto* metrics = std::get_if<MetricsEvent>(&event.event);
      const bool is_step = metrics != nullptr && metrics->values.count("loss") > 0 && metrics->step >= step;
      return step == 0 ? std::holds_alternative<StateEvent>(event.event) : is_step;
    });
  }

  // Runs the trainer until it has recorded the step, and sends the signal at that moment.
  // @return its exit code; nothing if the signal ended it.
  static std::optional<int> RunUntil(const JobFolder& folder, int64_t step, int signal) {
    const int64_t before = LastSequence(folder);
    const absl::Time deadline = absl::Now() + absl::Minutes(2);
    TrainerProcess trainer(Arguments(folder));
    while (!HasReached(folder, before, step)) {
      if (absl::Now() > deadline) {
        ADD_FAILURE() << "step " << step << " was not reached";
        break;
      }
      absl::SleepFor(absl::Milliseconds(1));
    }
    trainer.Signal(signal);
    return trainer.Wait();
  }

  static void RunToTheEnd(const JobFolder& folder) {
    TrainerProcess trainer(Arguments(folder));
    ASSERT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
    ASSERT_EQ(EventsOf<StateEvent>(folder).back().state, JobState::kSucceeded);
  }

  static std::string HashOf(const std::filesystem::path& file) { return Sha256Hex(ReadFile(file).value()); }

  // state.json without how long the run waited for data.
  static nlohmann::json ProgressAt(const std::filesystem::path& checkpoint) {
    auto progress = nlohmann::json::parse(ReadFile(checkpoint / kStateFile).value());
    progress["counters"].erase("data_wait_seconds");
    return progress;
  }

  static std::vector<std::pair<int64_t, double>> PointsOf(const JobFolder& folder,
                                                          const std::string& metric) {
    std::vector<std::pair<int64_t, double>> points;
    for (const MetricPoint& point : SeriesOf(folder, metric)) points.emplace_back(point.step, point.value);
    return points;
  }

  static void ExpectSameEnd(const JobFolder& one, const JobFolder& other) {
    EXPECT_EQ(HashOf(one.exported() / "model.safetensors"), HashOf(other.exported() / "model.safetensors"));
    const auto steps = ListCheckpointSteps(one.checkpoints()).value();
    EXPECT_EQ(steps.back(), kSteps);
    EXPECT_THAT(ListCheckpointSteps(other.checkpoints()), IsOkAndHolds(steps));
    for (const int64_t step : steps) {
      const auto left = one.checkpoints() / CheckpointFolderName(step);
      const auto right = other.checkpoints() / CheckpointFolderName(step);
      for (const char* file : {kModelFile, kOptimizerFile})
        EXPECT_EQ(HashOf(left / file), HashOf(right / file)) << step << " " << file;
      EXPECT_EQ(ProgressAt(left), ProgressAt(right)) << step;
    }
    for (const char* metric : {"loss", "validation_loss", "learning_rate"})
      EXPECT_EQ(PointsOf(one, metric), PointsOf(other, metric)) << metric;
  }

  TinyJob job_;
};

TEST_F(InterruptedRunTest, KilledAtTwentyStepsAndResumedEachTimeItEndsAsTheUninterruptedOne) {
  const JobFolder whole = FolderOf("whole"), killed = FolderOf("killed");
  RunToTheEnd(whole);
  std::minstd_rand random(2024);
  for (int kill = 0; kill < kKills; ++kill) {
    // Somewhere in the kill's own twentieth of the run; the first one before any step.
    constexpr int64_t kPart = (kSteps - 20) / kKills;
    const int64_t step = kill == 0 ? 0 : kill * kPart + static_cast<int64_t>(random()) % kPart;
    ASSERT_EQ(RunUntil(killed, step, SIGKILL), std::nullopt) << "kill " << kill << " came after the end";
  }
  RunToTheEnd(killed);
  ExpectSameEnd(whole, killed);
}

TEST_F(InterruptedRunTest, StoppedAndResumedItEndsAsTheUninterruptedOne) {
  const JobFolder whole = FolderOf("whole"), stopped = FolderOf("stopped");
  RunToTheEnd(whole);
  for (const int64_t step : {1, 44, 112}) {
    ASSERT_THAT(RunUntil(stopped, step, SIGTERM), Optional(0));
    ASSERT_EQ(EventsOf<StateEvent>(stopped).back().state, JobState::kStopped);
  }
  RunToTheEnd(stopped);
  ExpectSameEnd(whole, stopped);
}

TEST_F(InterruptedRunTest, ATrainerThatIsToldToStopWhileItLoadsIsStopped) {
  const JobFolder folder = FolderOf("early");
  EXPECT_THAT(RunUntil(folder, 0, SIGTERM), Optional(0));
  EXPECT_EQ(EventsOf<StateEvent>(folder).back().state, JobState::kStopped);
}

TEST_F(InterruptedRunTest, ATrainerThatIsNotToRunAJobThatHasEndedLeavesItAsItIs) {
  const JobFolder folder = FolderOf("ended");
  ASSERT_THAT(RunUntil(folder, 0, SIGTERM), Optional(0));
  const int64_t last = LastSequence(folder);
  auto arguments = Arguments(folder);
  arguments.emplace_back("--unless-ended");
  TrainerProcess trainer(arguments);
  EXPECT_THAT(trainer.Wait(), Optional(3)) << trainer.output();
  EXPECT_EQ(LastSequence(folder), last);
}

}  // namespace
}  // namespace mae
