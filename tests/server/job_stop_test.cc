// Stopping jobs in a whole server: running, waiting, deaf, and too young to hear it.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;
using v1::Job;

using JobStopTest = ServerTest;

TEST_F(JobStopTest, StoppingARunningJobLetsItWriteItsCheckpoint) {
  StartServer();
  const std::string name = MustCreate().name();
  const int64_t running = WaitUntilRunning(name);
  ASSERT_TRUE(Stop(name).ok());
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::STOPPED);
  EXPECT_EQ(job.progress().checkpoint_step(), 1);
  ASSERT_TRUE(Resume(name).ok());
  WaitUntilRunning(name, running);
  EXPECT_FALSE(Get(name).has_end_time());
}

TEST_F(JobStopTest, StoppingAtOnceKillsTheTrainer) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "ignore-term");
  ASSERT_TRUE(Stop(name, true).ok());
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::STOPPED);
  EXPECT_EQ(job.progress().checkpoint_step(), 0);
}

TEST_F(JobStopTest, ATrainerThatDoesNotStopInTimeIsKilled) {
  StartServer({"jobs.stop_grace_seconds=1"});
  const std::string name = MustCreate().name();
  const int64_t running = WaitUntilRunning(name);
  Tell(name, "ignore-term");
  Tell(name, "log deaf");
  Watch(name, running, [](const auto& event) { return event.log().text() == "deaf"; });
  ASSERT_TRUE(Stop(name).ok());
  EXPECT_EQ(WaitForEnd(name).state(), Job::STOPPED);
}

// Between exec and its handler SIGTERM ends any program; one that was asked to stop has stopped.
TEST_F(JobStopTest, ATrainerThatIsStoppedBeforeItTakesSignalsIsStoppedNotFailed) {
  StartServer({"jobs.trainer=" + Program("#!/bin/sh\nexec sleep 1000\n")});
  const std::string name = MustCreate().name();
  WaitForState(name, Job::STARTING);
  ASSERT_TRUE(Stop(name).ok());
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::STOPPED) << job.error().message();
  EXPECT_EQ(job.error().code(), 0);
}

// The same signal from anybody else is no stop.
TEST_F(JobStopTest, ATrainerThatAStrangerTerminatesBeforeItTakesSignalsIsFailed) {
  const std::string pid_file = temp_ / "pid";
  StartServer({"jobs.trainer=" + Program("#!/bin/sh\necho $$ > " + pid_file + ".new && mv " + pid_file +
                                         ".new " + pid_file + "\nexec sleep 1000\n")});
  const std::string name = MustCreate().name();
  pid_t pid = 0;
  while (pid == 0) std::ifstream(pid_file) >> pid;
  ASSERT_EQ(kill(pid, SIGTERM), 0);
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("signal 15"));
}

TEST_F(JobStopTest, AQueuedJobStopsAtOnceAndNeverRuns) {
  StartServer();
  const std::string first = MustCreate().name();
  WaitUntilRunning(first);
  const std::string second = MustCreate().name();
  ASSERT_TRUE(Stop(second).ok());
  EXPECT_EQ(Get(second).state(), Job::STOPPED);
  Tell(first, "succeed bare");
  WaitForEnd(first);
  const auto events = Watch(second);
  EXPECT_EQ(events.size(), 2u);
  EXPECT_TRUE(IsState(events.back(), Job::STOPPED));
}

}  // namespace
}  // namespace mae
