#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// A process that takes the lock, says so through a pipe, and holds it until it is killed.
class Holder {
 public:
  explicit Holder(const std::filesystem::path& path) {
    int ends[2];
    if (pipe(ends) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      const auto lock = FileLock::Acquire(path);
      const char answer = lock.ok() ? 'y' : 'n';
      if (write(ends[1], &answer, 1) != 1) _exit(1);
      while (true) pause();
    }
    char answer = 'n';
    holds_ = read(ends[0], &answer, 1) == 1 && answer == 'y';
    close(ends[0]);
    close(ends[1]);
  }
  ~Holder() { Kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  bool holds() const { return holds_; }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  bool holds_ = false;
};

TEST(FileLock, IsRefusedWhileAnotherProcessHoldsIt) {
  const TempFolder folder;
  const Holder holder(folder / "lock");
  ASSERT_TRUE(holder.holds());
  EXPECT_THAT(FileLock::Acquire(folder / "lock"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr((folder / "lock").string())));
}

TEST(FileLock, EndsWithItsProcessHoweverThatDies) {
  const TempFolder folder;
  Holder holder(folder / "lock");
  ASSERT_TRUE(holder.holds());
  holder.Kill();
  EXPECT_THAT(FileLock::Acquire(folder / "lock"), IsOk());
}

TEST(FileLock, EndsWithItsObject) {
  const TempFolder folder;
  ASSERT_THAT(FileLock::Acquire(folder / "lock"), IsOk());
  EXPECT_THAT(FileLock::Acquire(folder / "lock"), IsOk());
}

TEST(FileLock, MovesWithItsObject) {
  const TempFolder folder;
  std::optional<FileLock> holder;
  {
    auto lock = FileLock::Acquire(folder / "lock");
    ASSERT_THAT(lock, IsOk());
    holder = *std::move(lock);
  }
  EXPECT_THAT(FileLock::Acquire(folder / "lock"), StatusIs(StatusCode::kFailedPrecondition));
  auto other = FileLock::Acquire(folder / "other");
  ASSERT_THAT(other, IsOk());
  *holder = *std::move(other);
  EXPECT_THAT(FileLock::Acquire(folder / "other"), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(FileLock, NeedsAFolder) {
  const TempFolder folder;
  EXPECT_THAT(FileLock::Acquire(folder / "none" / "lock"),
              StatusIs(StatusCode::kNotFound, HasSubstr("none/lock")));
}

}  // namespace
}  // namespace mae
