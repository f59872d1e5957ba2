#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/durable_file.h"
#include "tests/fakes/faulty_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

/// Durable files on a disk that fails or loses power at every call in turn.
namespace mae {
namespace {

using absl::StatusCode;
using testing::AnyOf;
using testing::ElementsAre;

size_t FilesIn(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator begin(folder);
  return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

TEST(DurableFault, ContentIsSyncedBeforeItsNameAndTheNameBeforeTheEnd) {
  const TempFolder folder;
  const FaultyFiles files(folder.path());
  ASSERT_THAT(WriteFileDurably(folder / "file", "x"), IsOk());
  EXPECT_THAT(files.calls(),
              ElementsAre("write file.tmp", "fsync file.tmp", "rename file.tmp file", "fsync ."));
}

TEST(DurableFault, ARenameSyncsBothParentsOnceEach) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "a" / "step");
  std::filesystem::create_directories(folder / "b");
  {
    const FaultyFiles files(folder.path());
    ASSERT_THAT(RenameDurably(folder / "a" / "step", folder / "b" / "step"), IsOk());
    EXPECT_THAT(files.calls(), ElementsAre("rename a/step b/step", "fsync b", "fsync a"));
  }
  const FaultyFiles files(folder.path());
  ASSERT_THAT(RenameDurably(folder / "b" / "step", folder / "b" / "next"), IsOk());
  EXPECT_THAT(files.calls(), ElementsAre("rename b/step b/next", "fsync b"));
}

TEST(DurableFault, AFailureAtAnyCallIsReportedAndLeavesOneWholeFile) {
  const TempFolder folder;
  ASSERT_THAT(WriteFileDurably(folder / "file", "old"), IsOk());
  for (size_t index = 0; index < 4; ++index) {
    {
      FaultyFiles files(folder.path());
      files.FailCall(index, index % 2 == 0 ? ENOSPC : EIO);
      EXPECT_THAT(WriteFileDurably(folder / "file", "new"),
                  StatusIs(index % 2 == 0 ? StatusCode::kResourceExhausted : StatusCode::kInternal));
      const auto calls = files.calls();
      EXPECT_EQ(calls.size(), index + 1) << "a failed call must be the last: fsync may not be tried again";
    }
    const bool was_renamed = index == 3;
    EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds(was_renamed ? "new" : "old")) << index;
    EXPECT_EQ(FilesIn(folder.path()), 1U) << index;
  }
}

TEST(DurableFault, AnInterruptedWriteIsGoneOnWith) {
  const TempFolder folder;
  FaultyFiles files(folder.path());
  files.FailCall(0, EINTR);
  ASSERT_THAT(WriteFileDurably(folder / "file", "x"), IsOk());
  EXPECT_EQ(files.calls().size(), 5U);
}

TEST(DurableFault, PowerLossAtAnyCallLeavesTheOldFileOrTheNew) {
  for (size_t index = 0; index <= 4; ++index) {
    const TempFolder folder;
    ASSERT_THAT(WriteFileDurably(folder / "file", "old"), IsOk());
    const pid_t child = fork();
    if (child == 0) {
      FaultyFiles files(folder.path());
      files.LosePowerAt(index);
      _exit(WriteFileDurably(folder / "file", "new").ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    const bool is_done = index == 4;
    EXPECT_EQ(WEXITSTATUS(status), is_done ? 0 : FaultyFiles::kPowerLost);
    EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds(index >= 3 ? "new" : "old")) << index;
  }
}

}  // namespace
}  // namespace mae
