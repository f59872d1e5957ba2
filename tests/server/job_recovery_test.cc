// What a server finds that comes back to a data folder: trainers that go on, trainers that ended, jobs that
// wait.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/sqlite.h"
#include "job/job_lock.h"
#include "job/job_process.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;
using v1::Job;

constexpr char kForgetTrainer[] =
    "UPDATE jobs SET trainer_pid = NULL, trainer_start_ticks = NULL, state = 'STARTING'";

class JobRecoveryTest : public ServerTest {
 protected:
  // Also reaps it: the trainer is a child of this process, whose servers come and go.
  static void WaitForExit(JobProcess& trainer) {
    pollfd poll_for_end = {trainer.poll_fd(), POLLIN, 0};
    ASSERT_EQ(poll(&poll_for_end, 1, 60'000), 1);
    trainer.TryWait();
  }
  // A server that died between its claim of the job and the trainer's start.
  std::string Claimed() {
    StartServer();
    std::string name = MustCreate().name();
    WaitUntilRunning(name);
    const auto trainer = JobProcess::Adopt(Trainer(name));
    DropServer();
    EXPECT_THAT((*trainer)->Signal(SIGKILL), IsOk());
    WaitForExit(**trainer);
    Sql(kForgetTrainer);
    return name;
  }
  void Sql(const std::string& statement) {
    auto database = Database::Open(temp_ / "data/mae.db", Database::Mode::kReadWrite);
    ASSERT_THAT(database, IsOk());
    ASSERT_THAT((*database)->Execute(statement), IsOk());
  }
};

TEST_F(JobRecoveryTest, ATrainerThatGoesOnIsAdoptedAndItsWatchHasNoGapAndNoTwin) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  WaitUntilRunning(name);
  Tell(name, "log one");
  const auto before = Watch(name, 0, [](const auto& event) { return event.log().text() == "one"; });
  const ProcessIdentity trainer = Trainer(name);
  DropServer();
  EXPECT_TRUE(IsRunning(trainer));
  Tell(name, "log two");
  StartServer();
  EXPECT_EQ(Get(name).state(), Job::RUNNING);
  EXPECT_EQ(Trainer(name), trainer);
  Tell(name, "log three");
  Tell(name, "succeed");
  const auto after = Watch(name, before.back().sequence());
  ASSERT_EQ(after.size(), 3u);
  EXPECT_EQ(after[0].sequence(), before.back().sequence() + 1);
  EXPECT_EQ(after[0].log().text(), "two");
  EXPECT_EQ(after[1].log().text(), "three");
  EXPECT_TRUE(IsState(after[2], Job::SUCCEEDED));
  EXPECT_EQ(Get(name).published_version(), "models/clothes/versions/1");
}

TEST_F(JobRecoveryTest, ATrainerThatSucceededMeanwhileIsPublished) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  WaitUntilRunning(name);
  const auto trainer = JobProcess::Adopt(Trainer(name));
  DropServer();
  Tell(name, "succeed");
  WaitForExit(**trainer);
  StartServer();
  EXPECT_EQ(WaitForEnd(name).published_version(), "models/clothes/versions/1");
}

TEST_F(JobRecoveryTest, ATrainerThatDiedMeanwhileIsFailedAndTheNextJobRuns) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  const std::string next = MustCreate().name();
  const auto trainer = JobProcess::Adopt(Trainer(name));
  DropServer();
  ASSERT_THAT((*trainer)->Signal(SIGKILL), IsOk());
  WaitForExit(**trainer);
  StartServer();
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("an earlier server had started it"));
  WaitUntilRunning(next);
}

TEST_F(JobRecoveryTest, WhatAKilledTrainerWasWritingIsNotPublished) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  const int64_t running = WaitUntilRunning(name);
  std::filesystem::create_directories(Folder(name).exported());
  const std::string half = "model.safetensors.tmp.17.3";
  std::ofstream(Folder(name).exported() / half) << "half";
  Kill(name);
  EXPECT_EQ(WaitForEnd(name).state(), Job::FAILED);
  EXPECT_FALSE(std::filesystem::exists(Folder(name).exported() / half));
  ASSERT_TRUE(Resume(name).ok());
  WaitUntilRunning(name, running);
  std::ofstream(Folder(name).exported() / half) << "half";
  Tell(name, "succeed");
  EXPECT_EQ(WaitForEnd(name).state(), Job::SUCCEEDED);
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data/models/clothes/1" / half));
}

TEST_F(JobRecoveryTest, AWaitingJobWhoseFolderIsGoneFailsAndTheNextOneRuns) {
  StartServer();
  const std::string first = MustCreate().name();
  WaitUntilRunning(first);
  const std::string lost = MustCreate().name(), next = MustCreate().name();
  std::filesystem::remove_all(Folder(lost).root());
  Tell(first, "succeed bare");
  WaitUntilRunning(next);
  const Job job = Get(lost);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("folder is missing or damaged"));
  EXPECT_THAT(job.error().message(), HasSubstr("delete the job"));
}

TEST_F(JobRecoveryTest, AStopThatTheLastServerTookIsCarriedOut) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  DropServer();
  Sql("UPDATE jobs SET state = 'STOPPING'");
  StartServer();
  EXPECT_EQ(WaitForEnd(name).state(), Job::STOPPED);
}

TEST_F(JobRecoveryTest, ATrainerThatTheRowDoesNotNameIsFoundByItsLock) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  const ProcessIdentity trainer = Trainer(name);
  DropServer();
  Sql(kForgetTrainer);
  StartServer();
  EXPECT_EQ(Trainer(name), trainer);
  Tell(name, "succeed bare");
  EXPECT_EQ(WaitForEnd(name).state(), Job::SUCCEEDED);
}

TEST_F(JobRecoveryTest, AClaimWithoutATrainerIsQueuedAgain) {
  const std::string name = Claimed();
  StartServer();
  const auto events = Watch(name, 3, [](const auto& event) { return IsState(event, Job::RUNNING); });
  ASSERT_EQ(events.size(), 3u);
  EXPECT_TRUE(IsState(events[0], Job::QUEUED));
  EXPECT_TRUE(IsState(events[1], Job::STARTING));
}

TEST_F(JobRecoveryTest, AClaimThatCannotBeQueuedAgainIsTriedAgainAndNotFailed) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  const auto trainer = JobProcess::Adopt(Trainer(name));
  DropServer();
  ASSERT_THAT((*trainer)->Signal(SIGKILL), IsOk());
  WaitForExit(**trainer);
  Sql("UPDATE jobs SET trainer_pid = NULL, trainer_start_ticks = NULL, state = 'STARTING'");
  Sql("CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN NEW.state = 'QUEUED' BEGIN SELECT RAISE(FAIL, 'full'); "
      "END");
  StartServer();
  const std::string other = MustCreate().name();
  WaitForState(other, Job::RUNNING);
  EXPECT_EQ(Get(name).state(), Job::STARTING) << "it never ran, so it has not failed";
  Tell(other, "succeed bare");
  Sql("DROP TRIGGER full");
  WaitForState(name, Job::RUNNING);
}

TEST_F(JobRecoveryTest, AClaimedJobWhoseFolderIsGoneDoesNotKeepTheServerDown) {
  const std::string name = Claimed();
  std::filesystem::remove_all(Folder(name).root());
  std::filesystem::create_directory(temp_ / "data/jobs/pretrain-0000begun");  // and one that was hardly begun
  StartServer();
  WaitForState(name, Job::FAILED);
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data/jobs/pretrain-0000begun"));
  WaitUntilRunning(MustCreate().name());
}

TEST_F(JobRecoveryTest, AJobWhoseFailureCouldNotBeNotedIsFailedLater) {
  const std::string program = Program("#!/bin/sh\n");
  StartServer({"jobs.trainer=" + program});
  std::filesystem::remove(program);
  Sql("CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN NEW.state = 'FAILED' BEGIN SELECT RAISE(FAIL, 'full'); "
      "END");
  const std::string name = MustCreate().name();
  Watch(name, 0, [](const auto& event) { return IsState(event, Job::FAILED); });
  EXPECT_NE(Get(name).state(), Job::FAILED);
  Sql("DROP TRIGGER full");
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("the trainer can't be started"));
}

TEST_F(JobRecoveryTest, AJobIsNeverTrainedTwiceAtOnce) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  const ProcessIdentity trainer = Trainer(name);
  DropServer();
  // As if the last server had died before it could tell that this trainer had been started.
  Sql("UPDATE jobs SET trainer_pid = NULL, trainer_start_ticks = NULL, state = 'QUEUED'");
  StartServer();
  WaitForState(name, Job::RUNNING);
  EXPECT_EQ(Trainer(name), trainer);
  Tell(name, "succeed bare");
  EXPECT_EQ(WaitForEnd(name).state(), Job::SUCCEEDED);
}

TEST_F(JobRecoveryTest, ATrainerThatCanNotBeNotedIsSupervisedAllTheSame) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  DropServer();
  Sql(kForgetTrainer);
  Sql("CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN NEW.trainer_pid IS NOT NULL BEGIN SELECT RAISE(FAIL, "
      "'full'); END");
  StartServer();
  EXPECT_TRUE(Stop(name).ok());
  EXPECT_EQ(WaitForEnd(name).state(), Job::STOPPED);
}

TEST_F(JobRecoveryTest, ATrainerThatCouldNotBeAdoptedAtTheStartIsAdoptedLater) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  DropServer();
  Sql(kForgetTrainer);
  const auto lock = Folder(name).lock();
  const auto holder = ReadFile(lock);
  ASSERT_THAT(holder, IsOk());
  std::filesystem::resize_file(lock, 0);  // so that nobody can tell who holds it
  StartServer();
  std::ofstream(lock) << *holder;
  EXPECT_TRUE(Stop(name).ok());
  EXPECT_EQ(WaitForEnd(name).state(), Job::STOPPED);
}

TEST_F(JobRecoveryTest, AJobWhoseFolderWasHeldForAMomentIsStartedLater) {
  StartServer({"jobs.slots=1"});
  const std::string first = MustCreate().name();
  WaitUntilRunning(first);
  const std::string next = MustCreate().name();
  // One that shares the lock keeps others from it, but is nobody whom the server could find.
  const int held = open(Folder(next).lock().c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(flock(held, LOCK_SH), 0);
  const int looks = inotify_init1(IN_CLOEXEC);
  ASSERT_GE(inotify_add_watch(looks, Folder(next).lock().c_str(), IN_CLOSE_NOWRITE), 0);
  Tell(first, "succeed bare");
  inotify_event look;
  ASSERT_EQ(read(looks, &look, sizeof(look)), static_cast<ssize_t>(sizeof(look)));  // for who holds it
  close(looks);
  close(held);
  WaitUntilRunning(next);
  EXPECT_EQ(Get(next).state(), Job::RUNNING);
}

TEST_F(JobRecoveryTest, WhatACrashInterruptedIsFinishedAndTrainersWorkIsKept) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "succeed bare");
  WaitForEnd(name);
  DropServer();
  const std::filesystem::path jobs = temp_ / "data/jobs";
  std::filesystem::rename(Folder(name).root(), jobs / absl::StrCat(".deleted-", name.substr(5)));
  ASSERT_THAT(JobFolder(jobs / "pretrain-unacknowledged").Create("{}"), IsOk());
  ASSERT_THAT(JobFolder(jobs / "pretrain-stranger").Create("{}"), IsOk());
  std::ofstream(jobs / "pretrain-stranger" / "trainer.log") << "hours of work\n";
  StartServer();
  EXPECT_EQ(Delete(name).error_code(), grpc::StatusCode::NOT_FOUND);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(jobs)) left.push_back(entry.path().filename());
  EXPECT_THAT(left, testing::ElementsAre("pretrain-stranger"));
}

}  // namespace
}  // namespace mae
