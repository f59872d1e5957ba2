// The life of a job through the three binaries: crashes of the server and of the trainer, the queue, stop and
// resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/e2e/test_server.h"

namespace mae {
namespace {

using testing::HasSubstr;

class JobLife : public testing::Test {
 protected:
  void SetUp() override { WriteShapes(server_); }
  TestServer server_;
};

TEST_F(JobLife, ATrainerOutlivesItsServerAndTheNextServerGoesOnWithIt) {
  server_.Start();
  const auto job = server_.StartJob(SmallPretrain(400));
  const auto before = server_.Events(job, 0, IsMetrics);
  ASSERT_FALSE(before.empty());
  ExpectSequence(before, 1);
  const pid_t trainer = server_.TrainerPid(job);
  ASSERT_GT(trainer, 0);

  server_.Crash();
  EXPECT_EQ(server_.TrainerPid(job), trainer) << "the trainer died with its server";

  server_.Start();
  EXPECT_EQ(server_.GetJob(job).state(), v1::Job::RUNNING);
  EXPECT_THAT(server_.Client({"list-jobs"}).out, HasSubstr("RUNNING"));
  EXPECT_EQ(server_.TrainerPid(job), trainer) << "one trainer a job";

  const int64_t seen = before.back().sequence();
  const auto more = server_.Events(job, seen, IsMetrics);
  ExpectSequence(more, seen + 1);

  EXPECT_EQ(server_.Client({"stop-job", job}).exit_code, 0);
  const auto rest = server_.Events(job, more.back().sequence(), Never);
  ExpectSequence(rest, more.back().sequence() + 1);
  EXPECT_EQ(server_.GetJob(job).state(), v1::Job::STOPPED);
  EXPECT_EQ(server_.TrainerPid(job), 0);
}

TEST_F(JobLife, AWatchingClientGoesOnAfterTheServerCameBack) {
  server_.Start();
  const auto job = server_.StartJob(SmallPretrain(60));
  auto watch = server_.StartClient({"watch", job, "--reconnect-seconds", "60"});
  ASSERT_TRUE(Eventually([&] { return watch->Err().find("loss") != std::string::npos; })) << watch->Err();
  server_.Crash();
  server_.Start();
  const auto result = watch->Wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(server_.GetJob(job).state(), v1::Job::SUCCEEDED);
}

TEST_F(JobLife, AWatchWhoseServerStaysAwayEndsWithFour) {
  server_.Start();
  const auto job = server_.StartJob(SmallPretrain(400));
  auto watch = server_.StartClient({"watch", job, "--reconnect-seconds", "1"});
  ASSERT_TRUE(Eventually([&] { return watch->Err().find("loss") != std::string::npos; })) << watch->Err();
  server_.Crash();
  const auto result = watch->Wait();
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("watch " + job)) << "says how to watch again";
}

TEST_F(JobLife, AKilledTrainerFailsTheJobAndResumeGoesOnFromTheLastCheckpoint) {
  server_.Start();
  const auto job = server_.StartJob(SmallPretrain(40));
  const auto before =
      server_.Events(job, 0, [](const v1::JobEvent& event) { return event.has_checkpoint(); });
  const int64_t checkpoint = before.back().checkpoint().step();
  ASSERT_GT(checkpoint, 0);
  ASSERT_NO_FATAL_FAILURE(server_.KillTrainer(job));

  const auto failed = server_.AwaitState(job, v1::Job::FAILED);
  EXPECT_THAT(failed.error().message(), HasSubstr("resume-job"));
  EXPECT_THAT(failed.error().message(), HasSubstr("signal 9"));

  const auto watched = server_.Client({"resume-job", job, "--watch"});
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  EXPECT_THAT(watched.err, HasSubstr("SUCCEEDED"));
  EXPECT_THAT(watched.err, testing::Not(HasSubstr("FAILED"))) << "of the run before";
  server_.AwaitState(job, v1::Job::SUCCEEDED);
  const auto all = server_.Events(job, 0, Never);
  ExpectSequence(all, 1);
  bool resumed = false;
  for (const auto& event : all) {
    resumed |= event.has_log() && event.log().text().find("resum") != std::string::npos;
  }
  EXPECT_TRUE(resumed) << "the job does not say where it went on";

  // What the failed run had counted past its checkpoint is not in the series twice.
  const auto steps = server_.LossSteps(job);
  ASSERT_FALSE(steps.empty());
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end(), std::less_equal<>())) << "a step stands twice";
  EXPECT_EQ(steps.back(), 40 * 8);
}

TEST_F(JobLife, WithOneSlotTheSecondJobWaitsAndSaysWhy) {
  server_.Start({"--set", "jobs.slots=1"});
  const auto first = server_.StartJob(SmallPretrain(400));
  const auto second = server_.StartJob(SmallPretrain(1));
  server_.AwaitState(first, v1::Job::RUNNING);
  const auto waiting = server_.GetJob(second);
  EXPECT_EQ(waiting.state(), v1::Job::QUEUED);
  EXPECT_FALSE(waiting.pending_reason().empty());
  EXPECT_EQ(server_.Client({"stop-job", first}).exit_code, 0);
  server_.AwaitState(second, v1::Job::SUCCEEDED);
  EXPECT_EQ(server_.GetJob(first).state(), v1::Job::STOPPED);
}

TEST_F(JobLife, AStoppedJobResumesAndEndsWithTheWeightsOfAnUninterruptedOne) {
  server_.Start();
  const auto straight = server_.StartJob(SmallPretrain(6));
  server_.AwaitState(straight, v1::Job::SUCCEEDED);
  const auto broken = server_.StartJob(SmallPretrain(6));
  server_.Events(broken, 0, IsMetrics);
  server_.Client({"stop-job", broken});
  if (server_.AwaitEnd(broken).state() == v1::Job::STOPPED) {  // it may have been done already
    EXPECT_EQ(server_.Client({"resume-job", broken}).exit_code, 0);
    server_.AwaitState(broken, v1::Job::SUCCEEDED);
  }
  const auto one = server_.GetJob(straight).progress().metrics(),
             other = server_.GetJob(broken).progress().metrics();
  EXPECT_EQ(one.at("validation_loss"), other.at("validation_loss"));
}

TEST_F(JobLife, AStoppedJobGoesOnInMoreProcesses) {
  server_.Start();
  const auto job = server_.StartJob(SmallPretrain(40));
  server_.Events(job, 0, IsMetrics);
  server_.Client({"stop-job", job});
  ASSERT_EQ(server_.AwaitEnd(job).state(), v1::Job::STOPPED);
  const auto resumed = server_.Client({"resume-job", job, "--set", "resources.processes=2"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto done = server_.AwaitState(job, v1::Job::SUCCEEDED);
  EXPECT_EQ(done.spec().resources().processes(), 2);
  EXPECT_EQ(done.progress().metrics().at("images_total"), 40 * 256);
  EXPECT_NE(server_.Metrics().find("mae_train_restarts_total{"), std::string::npos);
}

}  // namespace
}  // namespace mae
