#include "base/durable_file_writer.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <utility>

#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(DurableFileWriter, ThePiecesAppearTogetherAtCommit) {
  const TempFolder folder;
  auto writer = DurableFileWriter::Create(folder / "file");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(writer->Append("a"), IsOk());
  ASSERT_THAT(writer->Append("bc"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder / "file"));
  EXPECT_THAT(writer->Commit(), IsOkAndHolds(FileDigest{3, Sha256Hex("abc")}));
  EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds("abc"));
}

TEST(DurableFileWriter, WithoutCommitNothingStays) {
  const TempFolder folder;
  {
    auto writer = DurableFileWriter::Create(folder / "file");
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT(writer->Append("a"), IsOk());
    DurableFileWriter moved = *std::move(writer);
    ASSERT_THAT(moved.Append("b"), IsOk());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(DurableFileWriter, TwoWritersOfOnePathDoNotMix) {
  const TempFolder folder;
  auto first = DurableFileWriter::Create(folder / "file");
  auto second = DurableFileWriter::Create(folder / "file");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT(first->Append("first"), IsOk());
  ASSERT_THAT(second->Append("second"), IsOk());
  ASSERT_THAT(second->Commit(), IsOk());
  ASSERT_THAT(first->Commit(), IsOk());
  EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds("first"));
}

TEST(DurableFileWriter, WhatAKilledWriterLeftIsRemovedAndNothingElse) {
  const TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    auto writer = DurableFileWriter::Create(folder / "file.json");
    _exit(writer.ok() && writer->Append("half").ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  for (const char* kept : {"a.tmp", "a.tmp.1", "tmp.1.2", "a.tmp.1.x"})
    ASSERT_THAT(WriteFileDurably(folder / kept, "mine"), IsOk());
  RemoveTemporaries(folder.path());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 4);
  RemoveTemporaries(folder / "absent");
}

TEST(DurableFileWriter, IsOfNoUseAfterCommit) {
  const TempFolder folder;
  auto writer = DurableFileWriter::Create(folder / "file");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(writer->Commit(), IsOk());
  EXPECT_THAT(writer->Append("x"), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("committed")));
  EXPECT_THAT(writer->Commit(), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds(""));
}

TEST(DurableFileWriter, NeedsAFolder) {
  const TempFolder folder;
  EXPECT_THAT(DurableFileWriter::Create(folder / "none" / "file"),
              StatusIs(StatusCode::kNotFound, HasSubstr("none/file")));
}

}  // namespace
}  // namespace mae
