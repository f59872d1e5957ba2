// From one server to the next over the same data folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "mae/v1/job.pb.h"
#include "tests/e2e/test_server.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The names of the jobs in a state, of list-jobs.
std::vector<std::string> JobsIn(const TestServer& server, const std::string& state) {
  const auto listed = server.Client({"list-jobs", "--state", state, "--limit", "0"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  std::vector<std::string> names;
  for (size_t at = listed.out.find('\n'); at + 1 < listed.out.size(); at = listed.out.find('\n', at + 1)) {
    names.push_back("jobs/" + listed.out.substr(at + 1, listed.out.find(' ', at) - at - 1));
  }
  return names;
}

class OldDataFolder : public testing::Test {
 protected:
  void SetUp() override {
    const std::string archive =
        std::string(getenv("MAE_SOURCE_DIR")) + "/tests/e2e/data_folders/version-0.tar.gz";
    const auto unpacked =
        RunProgram({"/usr/bin/tar", "-xzf", archive, "-C", server_.data().string(), "--no-same-owner"}, {},
                   server_.root() / "output");
    ASSERT_EQ(unpacked.exit_code, 0) << unpacked.err;
    server_.Start();
  }
  TestServer server_;
};

TEST_F(OldDataFolder, ShowsItsJobsWithEveryEvent) {
  EXPECT_THAT(JobsIn(server_, "succeeded"), testing::SizeIs(2));
  EXPECT_THAT(JobsIn(server_, "failed"), testing::SizeIs(1));
  for (const std::string& job : JobsIn(server_, "succeeded")) {
    ExpectSequence(server_.Events(job, 0, Never), 1);
    EXPECT_GT(server_.GetJob(job).progress().metrics().at("loss"), 0) << job;
    EXPECT_FALSE(server_.LossSteps(job).empty()) << job;
  }
  EXPECT_THAT(server_.Client({"get-job", JobsIn(server_, "failed").front()}).out, HasSubstr("not finite"));
}

TEST_F(OldDataFolder, ServesItsModelsUnderTheirAliases) {
  EXPECT_THAT(server_.Client({"list-models"}).out, AllOf(HasSubstr("shapes-mae"), HasSubstr("latest, prod")));
  const auto images = server_.root() / "images";
  ASSERT_EQ(server_.Client({"get-dataset", "shapes", "--images", "4", "--out", images.string()}).exit_code,
            0);
  const auto classes = server_.Client({"classify", "--model", "shapes-classifier@prod", images.string()});
  EXPECT_EQ(classes.exit_code, 0) << classes.err;
  const auto rebuilt = server_.Client({"reconstruct", "--model", "shapes-mae", "--out",
                                       (server_.root() / "pictures").string(), images.string()});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
}

TEST_F(OldDataFolder, GoesOnWithItsStoppedJob) {
  const std::vector<std::string> stopped = JobsIn(server_, "stopped");
  ASSERT_THAT(stopped, testing::SizeIs(1));
  const std::string& job = stopped.front();
  EXPECT_EQ(server_.GetJob(job).progress().checkpoint_step(), 12);
  const auto watched = server_.Client({"resume-job", job, "--watch"});
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  const v1::Job done = server_.GetJob(job);
  EXPECT_EQ(done.progress().step(), 160);
  EXPECT_EQ(done.progress().metrics().at("images_total"), 40 * 64) << "of both runs";
  EXPECT_EQ(done.published_version(), "models/shapes-mae/versions/2");
}

TEST_F(OldDataFolder, LeavesACopyOfItsDatabase) {
  EXPECT_TRUE(std::filesystem::exists(server_.data() / "mae.db.version-0"));
}

// Clients that try again while there is no server, as docs/operations/upgrade.md has it. The next server is
// the same program here: what a newer one makes of an old folder is above.
class Handover : public testing::Test {
 protected:
  void SetUp() override {
    WriteShapes(server_);
    server_.Start();
    ASSERT_NE(server_.StartJob(With(SmallPretrain(1), {"--model", "shapes-mae", "--watch"})), "");
    images_ = server_.root() / "images";
    ASSERT_EQ(server_.Client({"get-dataset", "shapes", "--images", "1", "--out", images_.string()}).exit_code,
              0);
  }

  // Sends one job until it is taken, always under the same id, and notes its name.
  void Submit(int number) {
    const auto arguments =
        With(SmallPretrain(1), {"--request-id", absl::StrFormat("%08d-7dec-11d0-a765-00a0c91e6bf6", number)});
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::Now() < deadline) {
      const auto sent = server_.Client(arguments);
      if (sent.exit_code == 0) {
        const std::lock_guard lock(mutex_);
        taken_[number] = std::string(absl::StripAsciiWhitespace(sent.out));
        return;
      }
      ASSERT_EQ(sent.exit_code, 4) << sent.err;
    }
    FAIL() << "job " << number << " was not taken";
  }

  // Asks for embeddings until it is told to end; every call is answered, or told that nobody is there.
  void Ask(const std::atomic<bool>& end) {
    while (!end) {
      const auto answer = server_.Client({"embed", "--model", "shapes-mae", images_.string()});
      EXPECT_TRUE(answer.exit_code == 0 || answer.exit_code == 4) << answer.exit_code << ": " << answer.err;
      if (answer.exit_code == 0) ++answered_;
    }
  }

  size_t CountTaken() {
    const std::lock_guard lock(mutex_);
    return taken_.size();
  }

  TestServer server_;
  std::filesystem::path images_;
  std::mutex mutex_;
  std::map<int, std::string> taken_;  // number to name, of what was acknowledged
  std::atomic<int> answered_ = 0;
};

TEST_F(Handover, LosesNothingThatWasTaken) {
  constexpr int kJobs = 12;
  const std::string running = server_.StartJob(SmallPretrain(2000));
  server_.Events(running, 0, IsMetrics);
  const pid_t trainer = server_.TrainerPid(running);
  auto watch = server_.StartClient({"watch", running, "--reconnect-seconds", "60"});
  std::atomic<bool> end = false;
  std::thread submits([&] {
    for (int number = 0; number < kJobs; ++number) Submit(number);
  });
  std::thread asks([&] { Ask(end); });
  EXPECT_TRUE(Eventually([&] { return CountTaken() >= 3 && answered_ > 0; }));
  EXPECT_EQ(server_.Stop(), 0);
  server_.Start();
  const int before = answered_;
  EXPECT_TRUE(Eventually([&] { return answered_ > before && CountTaken() == kJobs; }));
  end = true;
  submits.join();
  asks.join();

  EXPECT_EQ(server_.TrainerPid(running), trainer) << "the trainer goes on";
  EXPECT_TRUE(watch->Running()) << "so does its watch: " << watch->Err();
  std::set<std::string> names;
  for (const auto& [number, name] : taken_) {
    EXPECT_TRUE(names.insert(name).second) << name << " for two requests";
    EXPECT_EQ(server_.GetJob(name).state(), v1::Job::QUEUED) << name;
  }
  EXPECT_THAT(JobsIn(server_, "queued"), testing::SizeIs(kJobs)) << "a request made two jobs";
  EXPECT_EQ(server_.Client({"stop-job", running, "--now"}).exit_code, 0);
  EXPECT_EQ(watch->Wait().exit_code, 0) << watch->Err();
  ExpectSequence(server_.Events(running, 0, Never), 1);
}

}  // namespace
}  // namespace mae
