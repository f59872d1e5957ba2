#include "job/job_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Optional;

constexpr int kDeadlineMs = 20000;

class JobProcessTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(folder_.Create("{}"), IsOk()); }

  // A trainer that is a shell script; "$2" is the job folder.
  std::unique_ptr<JobProcess> Spawn(const std::string& script) {
    const std::filesystem::path path = temp_.path() / "trainer.sh";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    absl::StatusOr<std::unique_ptr<JobProcess>> process = JobProcess::Spawn(path, folder_);
    EXPECT_THAT(process, IsOk());
    return process.ok() ? *std::move(process) : nullptr;
  }

  static std::optional<ProcessExit> WaitForEnd(JobProcess& process) {
    pollfd poll_for_end = {process.poll_fd(), POLLIN, 0};
    EXPECT_EQ(poll(&poll_for_end, 1, kDeadlineMs), 1) << "the process did not end";
    return process.TryWait();
  }

  std::string Log() const { return ReadFile(folder_.log()).value_or("(no log)"); }

  const TempFolder temp_;
  const JobFolder folder_{temp_.path() / "job"};
};

TEST_F(JobProcessTest, GetsTheFolderAndWritesBothStreamsToTheLog) {
  const auto process = Spawn("echo \"$1 $2\"; echo to stderr >&2");
  const auto exit = WaitForEnd(*process);
  ASSERT_TRUE(exit.has_value());
  EXPECT_THAT(exit->exit_code, Optional(0));
  EXPECT_EQ(Log(), absl::StrCat("--job-dir ", folder_.root().string(), "\nto stderr\n"));
}

TEST_F(JobProcessTest, ASecretOfTheServersEnvironmentDoesNotReachTheTrainer) {
  setenv("MAE_TEST_TOKEN", "secret", 1);
  setenv("OMP_TEST_SETTING", "kept", 1);
  WaitForEnd(*Spawn("env"));
  unsetenv("MAE_TEST_TOKEN");
  unsetenv("OMP_TEST_SETTING");
  EXPECT_THAT(Log(), HasSubstr("OMP_TEST_SETTING=kept\n"));
  EXPECT_THAT(Log(), testing::Not(HasSubstr("secret")));
}

TEST_F(JobProcessTest, ALaterTrainerAppendsToTheLog) {
  WaitForEnd(*Spawn("echo first"));
  WaitForEnd(*Spawn("echo second"));
  EXPECT_EQ(Log(), "first\nsecond\n");
}

TEST_F(JobProcessTest, TellsTheExitCodeAgainAndAgain) {
  const auto process = Spawn("exit 7");
  for (int i = 0; i < 2; ++i) EXPECT_THAT(WaitForEnd(*process)->exit_code, Optional(7));
  EXPECT_EQ(process->TryWait()->Describe(), "exit code 7");
}

TEST_F(JobProcessTest, TellsTheSignalThatEndedIt) {
  const auto process = Spawn("kill -9 $$");
  EXPECT_THAT(WaitForEnd(*process)->signal, Optional(9));
  EXPECT_EQ(process->TryWait()->Describe(), "signal 9 (Killed)");
}

TEST_F(JobProcessTest, ARunningTrainerHasNoExitAndTakesSignals) {
  const auto process = Spawn("exec sleep 600");
  EXPECT_FALSE(process->TryWait().has_value());
  EXPECT_TRUE(IsRunning(process->identity()));
  ASSERT_THAT(process->Signal(SIGTERM), IsOk());
  EXPECT_THAT(WaitForEnd(*process)->signal, Optional(SIGTERM));
  EXPECT_THAT(process->Signal(SIGTERM), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(JobProcessTest, InheritsNoDescriptorAndNoBlockedSignal) {
  const int leak = open((temp_ / "leaked").c_str(), O_RDWR | O_CREAT, 0600);  // without O_CLOEXEC
  ASSERT_GT(leak, 2);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  // Read by the shell itself, which blocks signals while it starts another program.
  const auto process = Spawn(
      "ls -l /proc/$$/fd 2>/dev/null | grep leaked\n"
      "while IFS= read -r line; do case $line in SigBlk*) echo \"$line\";; esac; done < /proc/$$/status");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  WaitForEnd(*process);
  close(leak);
  EXPECT_EQ(Log(), "SigBlk:\t0000000000000000\n");
}

TEST_F(JobProcessTest, StandsInASessionOfItsOwn) {
  const auto process = Spawn("exec sleep 600");
  EXPECT_EQ(getsid(process->identity().pid), process->identity().pid);
  ASSERT_THAT(process->Signal(SIGKILL), IsOk());
  WaitForEnd(*process);
}

TEST_F(JobProcessTest, OutlivesItsObjectAndCanBeAdopted) {
  const ProcessIdentity identity = Spawn("exec sleep 600")->identity();
  ASSERT_TRUE(IsRunning(identity));
  auto adopted = JobProcess::Adopt(identity);
  ASSERT_THAT(adopted, IsOk());
  EXPECT_EQ((*adopted)->identity(), identity);
  ASSERT_THAT((*adopted)->Signal(SIGKILL), IsOk());
  EXPECT_TRUE(WaitForEnd(**adopted).has_value());
}

TEST_F(JobProcessTest, AnAdoptedStrangerLeavesNoExitCode) {
  // The grandchild is nobody's child that we could wait for.
  const auto parent = Spawn("sleep 600 & echo $! > \"$2/pid\"");
  WaitForEnd(*parent);
  pid_t pid = 0;
  std::ifstream(folder_.root() / "pid") >> pid;
  auto adopted = JobProcess::Adopt(*IdentifyProcess(pid));
  ASSERT_THAT(adopted, IsOk());
  ASSERT_THAT((*adopted)->Signal(SIGKILL), IsOk());
  EXPECT_EQ(WaitForEnd(**adopted)->Describe(), "an unknown cause (an earlier server had started it)");
}

TEST_F(JobProcessTest, AnEndedProcessOrAPidUsedAgainIsNotAdopted) {
  const auto process = Spawn("exec sleep 600");
  ProcessIdentity other = process->identity();
  --other.start_ticks;
  EXPECT_THAT(JobProcess::Adopt(other), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(process->Signal(SIGKILL), IsOk());
  WaitForEnd(*process);
  EXPECT_THAT(JobProcess::Adopt(process->identity()), StatusIs(absl::StatusCode::kNotFound));
}

// A trainer that lives must not be taken for dead, and its job for one that has lost its folder.
TEST_F(JobProcessTest, WithTheLastDescriptorGoneNothingIsSaidOfAProcessThatLives) {
  const auto process = Spawn("exec sleep 600");
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int next = dup(STDIN_FILENO);
  close(next);
  rlimit one_more = limit;
  one_more.rlim_cur = static_cast<rlim_t>(next) + 1;  // the pidfd's
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &one_more), 0);
  const auto adopted = JobProcess::Adopt(process->identity());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(adopted, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(JobProcess::Adopt(process->identity()), IsOk());
  ASSERT_THAT(process->Signal(SIGKILL), IsOk());
  WaitForEnd(*process);
}

TEST_F(JobProcessTest, AMissingTrainerIsNamed) {
  EXPECT_THAT(JobProcess::Spawn("/nowhere/mae_trainer", folder_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/mae_trainer")));
}

}  // namespace
}  // namespace mae
