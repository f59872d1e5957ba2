#include "tests/fakes/faulty_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;

// Writes "abc" to `path`, syncs or not, renames it to `target`. @return whether all succeeded.
bool Save(const std::filesystem::path& path, const std::filesystem::path& target, bool sync) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  bool ok = write(fd, "abc", 3) == 3;
  if (sync) ok = fsync(fd) == 0 && ok;
  close(fd);
  return std::rename(path.c_str(), target.c_str()) == 0 && ok;
}

TEST(FaultyFiles, NotesCallsUnderItsFolderOnly) {
  const TempFolder folder, other;
  const FaultyFiles files(folder.path());
  EXPECT_TRUE(Save(folder / "a.tmp.17.2", folder / "b", true));
  EXPECT_TRUE(Save(other / "a", other / "b", true));
  EXPECT_THAT(files.calls(), ElementsAre("write a.tmp", "fsync a.tmp", "rename a.tmp b"));
}

TEST(FaultyFiles, FailsTheCallThatItIsToldTo) {
  const TempFolder folder;
  for (size_t index = 0; index < 3; ++index) {
    FaultyFiles files(folder.path());
    files.FailCall(index, ENOSPC);
    errno = 0;
    EXPECT_FALSE(Save(folder / "a", folder / "b", true)) << index;
  }
  EXPECT_TRUE(Save(folder / "a", folder / "b", true));
}

std::uintmax_t SizeAfterPowerLoss(bool sync) {
  const TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    FaultyFiles files(folder.path());
    files.LosePowerAt(sync ? 3 : 2);
    Save(folder / "a", folder / "b", sync);
    Save(folder / "c", folder / "d", sync);  // the power goes at its first call
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), FaultyFiles::kPowerLost);
  return std::filesystem::file_size(folder / "b");
}

TEST(FaultyFiles, PowerLossTakesWhatWasNotSyncedAlsoUnderANewName) {
  EXPECT_EQ(SizeAfterPowerLoss(true), 3U);
  EXPECT_EQ(SizeAfterPowerLoss(false), 0U);
}

}  // namespace
}  // namespace mae
