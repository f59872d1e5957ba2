// Jobs that several processes train together: what they learn, and what becomes of a job that loses one.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/durable_file.h"
#include "recipe/recipe_json.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/train/tiny_job.h"
#include "tests/trainer/trainer_process.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

constexpr int64_t kRounds = 10, kAllSteps = 5 * kRounds, kImages = 72;
constexpr double kCloseTo = 1e-5;

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The ranks that a trainer has started, by number; -1: not there.
pid_t RankOf(const TrainerProcess& trainer, int rank) {
  std::istringstream children(
      Content(absl::StrCat("/proc/", trainer.pid(), "/task/", trainer.pid(), "/children")));
  const std::string wanted = absl::StrCat("RANK=", rank, std::string(1, '\0'));
  for (pid_t child = 0; children >> child;) {
    const std::string environment = Content(absl::StrCat("/proc/", child, "/environ"));
    if (absl::StartsWith(environment, wanted) ||
        absl::StrContains(environment, std::string(1, '\0') + wanted))
      return child;
  }
  return -1;
}

bool HasEnded(pid_t process) { return kill(process, 0) != 0; }

class RanksTest : public testing::Test {
 protected:
  // The last batch of an epoch has 8 images.
  JobOptions Options(int64_t processes) const {
    JobOptions options = job_.Pretrain();
    options.schedule.epochs = kRounds;
    options.augmentation.horizontal_flip = true;
    options.pictures = 0;
    options.checkpoint_every_steps = 3;
    options.processes = processes;
    options.rank_timeout_seconds = 20;
    return options;
  }

  JobFolder FolderFor(const JobOptions& options, const std::string& name) const {
    const JobFolder folder = job_.Folder(name);
    std::filesystem::create_directories(folder.root());
    EXPECT_THAT(WriteFileDurably(folder.spec(), JobOptionsToJson(options)), IsOk());
    return folder;
  }

  static std::vector<std::string> Arguments(const JobFolder& folder) {
    return {"--job-dir", folder.root().string()};
  }

  JobFolder Trained(const JobOptions& options, const std::string& name) const {
    const JobFolder folder = FolderFor(options, name);
    TrainerProcess trainer(Arguments(folder));
    EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
    ExpectDone(folder);
    return folder;
  }

  static void ExpectDone(const JobFolder& folder) {
    EXPECT_EQ(EventsOf<StateEvent>(folder).back().state, JobState::kSucceeded);
    EXPECT_TRUE(std::filesystem::exists(folder.exported() / "model.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(folder.root() / "ranks.meeting"));
  }

  static void ExpectSameCurve(const JobFolder& one, const JobFolder& other, const std::string& metric) {
    const auto left = SeriesOf(one, metric), right = SeriesOf(other, metric);
    ASSERT_EQ(left.size(), right.size()) << metric;
    ASSERT_FALSE(left.empty()) << metric;
    for (size_t i = 0; i < left.size(); ++i) {
      EXPECT_EQ(left[i].step, right[i].step);
      EXPECT_NEAR(left[i].value, right[i].value, kCloseTo) << metric << " of step " << left[i].step;
    }
  }

  // Waits until the job has recorded the step.
  static bool HasReached(const JobFolder& folder, int64_t step) {
    const absl::Time deadline = absl::Now() + absl::Minutes(1);
    while (absl::Now() < deadline) {
      const auto reader = JobDbReader::Open(folder.database());
      if (reader.ok()) {
        const auto summary = (*reader)->Summary();
        if (summary.ok() && summary->metrics.step >= step) return true;
      }
      absl::SleepFor(absl::Milliseconds(1));
    }
    return false;
  }

  static std::vector<std::string> Warnings(const JobFolder& folder) {
    std::vector<std::string> warnings;
    for (const LogEvent& event : EventsOf<LogEvent>(folder)) {
      if (event.severity == "warning") warnings.push_back(event.text);
    }
    return warnings;
  }

  TinyJob job_;
};

TEST_F(RanksTest, TwoLearnWhatOneLearns) {
  const JobFolder one = Trained(Options(1), "one"), two = Trained(Options(2), "two");
  ASSERT_THAT(SeriesOf(two, "loss"), SizeIs(kAllSteps));
  for (const char* metric : {"loss", "grad_norm", "validation_loss"}) ExpectSameCurve(one, two, metric);
  EXPECT_EQ(SeriesOf(two, "images_total").back().value, kImages * kRounds);
}

TEST_F(RanksTest, AClassifierOfThreeCountsEachImageOnce) {
  // Batches of 5: parts of 1, 2 and 2 images, the last one of an epoch, of 2 images, of none, 1 and 1.
  std::vector<JobFolder> folders;
  for (const int64_t processes : {1, 3}) {
    JobOptions options = job_.Finetune();
    options.data.batch_size = 5;
    options.schedule.epochs = 2;
    options.processes = processes;
    folders.push_back(Trained(options, absl::StrCat("by", processes)));
  }
  for (const char* metric : {"loss", "validation_loss", "accuracy"})
    ExpectSameCurve(folders[0], folders[1], metric);
}

TEST_F(RanksTest, GradientsOfSeveralBatchesAddUp) {
  std::vector<JobFolder> folders;
  for (const int64_t processes : {1, 2}) {
    JobOptions options = Options(processes);
    options.optimizer.accumulate_steps = 5;
    folders.push_back(Trained(options, absl::StrCat("by", processes)));
  }
  ExpectSameCurve(folders[0], folders[1], "loss");
}

TEST_F(RanksTest, GradientsThatWaitInACheckpointAreThoseOfAllRanks) {
  std::vector<JobFolder> folders;
  for (const int64_t processes : {1, 2}) {
    JobOptions options = Options(processes);
    options.optimizer.accumulate_steps = 5;
    options.checkpoint_every_steps = 1;
    folders.push_back(FolderFor(options, absl::StrCat("by", processes)));
    TrainerProcess trainer(Arguments(folders.back()));
    if (processes == 2) {
      ASSERT_TRUE(HasReached(folders.back(), 13));
      kill(RankOf(trainer, 1), SIGKILL);
    }
    EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
    ExpectDone(folders.back());
  }
  ExpectSameCurve(folders[0], folders[1], "loss");
}

class LostRankTest : public RanksTest, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(LostRankTest, TheJobBeginsAgainFromItsLastCheckpoint) {
  const auto [rank, signal] = GetParam();
  JobOptions options = Options(2);
  options.rank_timeout_seconds = signal == SIGSTOP ? 2 : 20;
  const JobFolder folder = FolderFor(options, "job");
  TrainerProcess trainer(Arguments(folder));
  ASSERT_TRUE(HasReached(folder, 10));
  const pid_t lost = RankOf(trainer, rank), other = RankOf(trainer, 1 - rank);
  ASSERT_GT(lost, 0);
  kill(lost, signal);
  EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
  EXPECT_TRUE(HasEnded(lost));
  EXPECT_TRUE(HasEnded(other));
  ExpectDone(folder);
  EXPECT_THAT(EventsOf<RestartEvent>(folder),
              ElementsAre(testing::Field(&RestartEvent::text, HasSubstr("restart 1 of 3"))));
  EXPECT_EQ(SeriesOf(folder, "images_total").back().value, kImages * kRounds);
  ASSERT_THAT(SeriesOf(folder, "loss"), SizeIs(kAllSteps));
  ExpectSameCurve(Trained(Options(1), "whole"), folder, "loss");
}

INSTANTIATE_TEST_SUITE_P(Ranks, LostRankTest,
                         testing::Values(std::pair(0, SIGKILL), std::pair(1, SIGKILL), std::pair(1, SIGSTOP)),
                         [](const auto& info) {
                           return absl::StrCat("Rank", info.param.first,
                                               info.param.second == SIGKILL ? "Killed" : "Hung");
                         });

TEST_F(RanksTest, AJobThatLosesRanksTooOftenFails) {
  JobOptions options = Options(2);
  options.max_restarts = 0;
  const JobFolder folder = FolderFor(options, "job");
  TrainerProcess trainer(Arguments(folder));
  ASSERT_TRUE(HasReached(folder, 4));
  kill(RankOf(trainer, 1), SIGKILL);
  EXPECT_THAT(trainer.Wait(), Optional(1));
  const StateEvent end = EventsOf<StateEvent>(folder).back();
  EXPECT_EQ(end.state, JobState::kFailed);
  EXPECT_THAT(end.error, StatusIs(StatusCode::kUnavailable, HasSubstr("rank 1: signal 9")));
}

TEST_F(RanksTest, AFaultOfTheJobItselfIsNotTriedAgain) {
  JobOptions options = Options(2);
  options.data.path = job_.root() / "nothing";
  const JobFolder folder = FolderFor(options, "job");
  TrainerProcess trainer(Arguments(folder));
  EXPECT_THAT(trainer.Wait(), Optional(1));
  EXPECT_THAT(EventsOf<StateEvent>(folder), SizeIs(2));
  EXPECT_THAT(EventsOf<StateEvent>(folder).back().error, StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Warnings(folder), IsEmpty());
}

TEST_F(RanksTest, EndWithTheProcessThatStartedThem) {
  const JobFolder folder = FolderFor(Options(2), "job");
  pid_t ranks[2];
  {
    TrainerProcess trainer(Arguments(folder));
    ASSERT_TRUE(HasReached(folder, 4));
    for (int rank = 0; rank < 2; ++rank) ranks[rank] = RankOf(trainer, rank);
  }  // killed
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  for (const pid_t rank : ranks) {
    while (!HasEnded(rank) && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    EXPECT_TRUE(HasEnded(rank));
  }
}

TEST_F(RanksTest, AStoppedJobGoesOnWithAnotherNumberOfThem) {
  const JobFolder folder = FolderFor(Options(2), "job");
  {
    TrainerProcess trainer(Arguments(folder));
    ASSERT_TRUE(HasReached(folder, 13));
    trainer.Signal(SIGTERM);
    EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
  }
  EXPECT_EQ(EventsOf<StateEvent>(folder).back().state, JobState::kStopped);
  EXPECT_EQ(EventsOf<CheckpointEvent>(folder).back().step, SeriesOf(folder, "loss").back().step);
  EXPECT_THAT(WriteFileDurably(folder.spec(), JobOptionsToJson(Options(3))), IsOk());
  TrainerProcess trainer(Arguments(folder));
  EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
  ExpectDone(folder);
  ASSERT_THAT(SeriesOf(folder, "loss"), SizeIs(kAllSteps));
  ExpectSameCurve(Trained(Options(1), "whole"), folder, "loss");
}

int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(listener);
  return ntohs(address.sin_port);
}

TEST_F(RanksTest, AreStartedByAnyLauncherWithTheVariablesOfTorchrun) {
  const JobFolder folder = FolderFor(Options(1), "job");
  const int port = FreePort();
  std::vector<std::unique_ptr<TrainerProcess>> ranks;
  for (const int rank : {0, 1}) {
    ranks.push_back(std::make_unique<TrainerProcess>(
        Arguments(folder),
        std::vector<std::string>{absl::StrCat("RANK=", rank), "WORLD_SIZE=2",
                                 absl::StrCat("LOCAL_RANK=", rank), "LOCAL_WORLD_SIZE=2",
                                 "MASTER_ADDR=127.0.0.1", absl::StrCat("MASTER_PORT=", port)}));
  }
  for (const auto& rank : ranks) EXPECT_THAT(rank->Wait(), Optional(0)) << rank->output();
  ExpectDone(folder);
  ExpectSameCurve(Trained(Options(1), "whole"), folder, "loss");
}

TEST_F(RanksTest, OneThatWaitsForTheOthersStopsWhenItIsTold) {
  const int port = FreePort();
  for (const int rank : {0, 1}) {
    TrainerProcess trainer(Arguments(FolderFor(Options(1), absl::StrCat("job-", rank))),
                           {absl::StrCat("RANK=", rank), "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1",
                            absl::StrCat("MASTER_PORT=", port)});
    ASSERT_TRUE(trainer.WaitForOutput("waits for the others")) << trainer.output();
    trainer.Signal(SIGTERM);
    EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
  }
}

TEST_F(RanksTest, OneWhoseOthersNeverComeGivesUpInTime) {
  JobOptions options = Options(1);
  options.rank_timeout_seconds = 1;
  TrainerProcess trainer(
      Arguments(FolderFor(options, "job")),
      {"RANK=1", "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", absl::StrCat("MASTER_PORT=", FreePort())});
  EXPECT_THAT(trainer.Wait(), Optional(4)) << trainer.output();
  EXPECT_THAT(trainer.output(), HasSubstr("nobody answers"));
}

TEST_F(RanksTest, AWorldWithoutARankIsRefused) {
  TrainerProcess trainer(Arguments(FolderFor(Options(1), "job")), {"RANK=", "WORLD_SIZE=2"});
  EXPECT_THAT(trainer.Wait(), Optional(2));
  EXPECT_THAT(trainer.output(), HasSubstr("RANK is not set"));
}

TEST_F(RanksTest, ALauncherThatSetsNoAddressIsToldSo) {
  TrainerProcess trainer(Arguments(FolderFor(Options(1), "job")), {"RANK=0", "WORLD_SIZE=2"});
  EXPECT_THAT(trainer.Wait(), Optional(2));
  EXPECT_THAT(trainer.output(), HasSubstr("MASTER_ADDR"));
}

TEST_F(RanksTest, AJobThatOnlyMeasuresIsRefused) {
  JobOptions options = Options(1);
  options.kind = KnnProbeOptions{};
  const JobFolder folder = FolderFor(options, "job");
  const std::string port = absl::StrCat("MASTER_PORT=", FreePort());
  std::vector<std::unique_ptr<TrainerProcess>> ranks;
  for (const int rank : {0, 1}) {
    ranks.push_back(std::make_unique<TrainerProcess>(
        Arguments(folder), std::vector<std::string>{absl::StrCat("RANK=", rank), "WORLD_SIZE=2",
                                                    "MASTER_ADDR=127.0.0.1", port}));
  }
  for (const auto& rank : ranks) EXPECT_THAT(rank->Wait(), Optional(1)) << rank->output();
  EXPECT_THAT(EventsOf<StateEvent>(folder).back().error,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("trains nothing")));
}

}  // namespace
}  // namespace mae
