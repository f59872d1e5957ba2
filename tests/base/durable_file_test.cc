#include "base/durable_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(WriteFileDurably, MakesAndReplacesAFileAndLeavesNothingBeside) {
  const TempFolder folder;
  ASSERT_THAT(WriteFileDurably(folder / "file", "first, longer"), IsOk());
  EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds("first, longer"));
  ASSERT_THAT(WriteFileDurably(folder / "file", "second"), IsOk());
  EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds("second"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(WriteFileDurably, KeepsEveryByteOfEmptyBinaryAndLargeContent) {
  const TempFolder folder;
  std::string large(3'000'000, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
  for (const std::string& content : {std::string(), std::string("\0\n\r\xff", 4), large}) {
    ASSERT_THAT(WriteFileDurably(folder / "file", content), IsOk());
    EXPECT_THAT(ReadFile(folder / "file"), IsOkAndHolds(content));
  }
}

TEST(WriteFileDurably, NamesThePathOfAFolderThatIsNotThere) {
  const TempFolder folder;
  EXPECT_THAT(WriteFileDurably(folder / "none" / "file", "x"),
              StatusIs(StatusCode::kNotFound, HasSubstr((folder / "none" / "file").string())));
}

TEST(WriteFileDurably, LeavesTheTargetWholeIfItCannotBeReplaced) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "file");  // a rename over a folder fails
  EXPECT_THAT(WriteFileDurably(folder / "file", "x"),
              StatusIs(StatusCode::kInternal, HasSubstr("directory")));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("file"));
}

TEST(RenameDurably, MovesFilesAndFoldersBetweenFolders) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "a" / "step");
  std::filesystem::create_directories(folder / "b");
  ASSERT_THAT(WriteFileDurably(folder / "a" / "step" / "file", "x"), IsOk());
  ASSERT_THAT(RenameDurably(folder / "a" / "step", folder / "b" / "step"), IsOk());
  EXPECT_THAT(ReadFile(folder / "b" / "step" / "file"), IsOkAndHolds("x"));
  EXPECT_THAT(NamesIn(folder / "a"), ElementsAre());
  EXPECT_THAT(RenameDurably(folder / "a" / "step", folder / "c"),
              StatusIs(StatusCode::kNotFound, HasSubstr("a/step")));
}

TEST(SyncFolder, TakesFoldersOnly) {
  const TempFolder folder;
  EXPECT_THAT(SyncFolder(folder.path()), IsOk());
  ASSERT_THAT(WriteFileDurably(folder / "file", "x"), IsOk());
  EXPECT_THAT(SyncFolder(folder / "file"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(SyncFolder(folder / "none"), StatusIs(StatusCode::kNotFound));
}

TEST(ReadFile, RefusesMoreThanAllowedAndNamesTheLimit) {
  const TempFolder folder;
  ASSERT_THAT(WriteFileDurably(folder / "file", "12345"), IsOk());
  EXPECT_THAT(ReadFile(folder / "file", 5), IsOkAndHolds("12345"));
  EXPECT_THAT(ReadFile(folder / "file", 4), StatusIs(StatusCode::kInvalidArgument, HasSubstr("4 bytes")));
}

TEST(ReadFile, ReadsFilesWhoseSizeIsNotKnownBefore) {
  std::string expected;
  std::getline(std::ifstream("/proc/self/cmdline"), expected, '\n');
  EXPECT_THAT(ReadFile("/proc/self/cmdline"), IsOkAndHolds(expected));
  EXPECT_THAT(ReadFile("/proc/self/cmdline", 3), StatusIs(StatusCode::kInvalidArgument));
}

TEST(ReadFile, TellsAMissingFileFromAnUnreadableOne) {
  const TempFolder folder;
  EXPECT_THAT(ReadFile(folder / "none"), StatusIs(StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ReadFile(folder.path()), StatusIs(StatusCode::kInternal));
}

// FIPS 180-4 example values.
TEST(Sha256Hex, AgreesWithThePublishedExamples) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace mae
