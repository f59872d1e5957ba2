#include "job/job_lock.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "job/job_db.h"
#include "job/job_process.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Optional;

class JobLockTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(folder_.Create("{}"), IsOk()); }

  // Another process that locks the folder and says so in the way of LockJobFolder, once it holds the lock.
  std::unique_ptr<JobProcess> SpawnHolder() {
    const std::filesystem::path script = temp_.path() / "holder.sh";
    std::ofstream(script) << "#!/bin/bash\nexec 9>>\"$2/trainer.lock\"\nflock 9\n"
                          << "stat=$(< /proc/$$/stat)\nset -- \"$2\" ${stat##*) }\n"
                          << "echo \"$$ ${21}\" > \"$1/trainer.lock\"\nmkfifo \"$1/never\"\n"
                          << "echo held > \"$1/held\"\nread < \"$1/never\"\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    auto process = JobProcess::Spawn(script, folder_);
    EXPECT_THAT(process, IsOk());
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!std::filesystem::exists(folder_.root() / "held") && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    return *std::move(process);
  }

  static void Kill(JobProcess& process) {
    ASSERT_THAT(process.Signal(SIGKILL), IsOk());
    pollfd poll_for_end = {process.poll_fd(), POLLIN, 0};
    ASSERT_EQ(poll(&poll_for_end, 1, 20000), 1);
    process.TryWait();
  }

  const TempFolder temp_;
  const JobFolder folder_{temp_.path() / "job"};
};

TEST_F(JobLockTest, NobodyRunsAFreshFolder) {
  EXPECT_THAT(RunningTrainer(folder_), IsOkAndHolds(std::optional<ProcessIdentity>()));
}

TEST_F(JobLockTest, TheHolderIsNamedToBothSides) {
  const auto holder = SpawnHolder();
  EXPECT_THAT(RunningTrainer(folder_), IsOkAndHolds(Optional(holder->identity())));
  EXPECT_THAT(LockJobFolder(folder_), StatusIs(absl::StatusCode::kFailedPrecondition,
                                               HasSubstr(absl::StrCat("process ", holder->identity().pid))));
  Kill(*holder);
}

TEST_F(JobLockTest, AHolderThatWasKilledHoldsNothing) {
  Kill(*SpawnHolder());
  EXPECT_THAT(RunningTrainer(folder_), IsOkAndHolds(std::optional<ProcessIdentity>()));
  EXPECT_THAT(LockJobFolder(folder_), IsOk());
}

TEST_F(JobLockTest, TheLockCarriesThisProcessesName) {
  const absl::StatusOr<FileLock> lock = LockJobFolder(folder_);
  ASSERT_THAT(lock, IsOk());
  ProcessIdentity written;
  std::ifstream(folder_.lock()) >> written.pid >> written.start_ticks;
  EXPECT_EQ(written, *IdentifyProcess(getpid()));
  EXPECT_THAT(LockJobFolder(folder_), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JobLockTest, AJobThatHasEndedIsNotThereToRunUntilItIsQueuedAgain) {
  const auto writer = JobDbWriter::Open(folder_.database());
  ASSERT_THAT(writer, IsOk());
  for (const JobState ended : {JobState::kSucceeded, JobState::kFailed, JobState::kStopped}) {
    ASSERT_THAT((*writer)->Append(StateEvent{JobState::kStarting, absl::OkStatus()}), IsOk());
    EXPECT_THAT(LockJobToRun(folder_), IsOk());
    ASSERT_THAT((*writer)->Append(StateEvent{ended, absl::OkStatus()}), IsOk());
    EXPECT_THAT(LockJobToRun(folder_),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(std::string(JobStateName(ended)))));
    EXPECT_THAT(LockJobFolder(folder_), IsOk()) << "let go again";
  }
}

TEST_F(JobLockTest, AJobWithoutADatabaseIsThereToRun) { EXPECT_THAT(LockJobToRun(folder_), IsOk()); }

TEST_F(JobLockTest, ALockThatNamesNobodyIsAnErrorNotAFreeFolder) {
  const absl::StatusOr<FileLock> lock = FileLock::Acquire(folder_.lock());
  ASSERT_THAT(lock, IsOk());
  EXPECT_THAT(RunningTrainer(folder_), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace mae
