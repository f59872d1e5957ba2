#include "client/output_folder.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

std::string TextOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(OutputFolder, IsMadeWithItsFirstFile) {
  const TempFolder temp;
  auto folder = OutputFolder::Plan(temp / "a/b");
  ASSERT_THAT(folder, IsOk());
  EXPECT_FALSE(std::filesystem::exists(temp / "a"));
  ASSERT_THAT(folder->Write("one.png", "1"), IsOk());
  ASSERT_THAT(folder->Write("one.png", "2"), IsOk());
  EXPECT_EQ(TextOf(temp / "a/b/one.png"), "2");
  EXPECT_EQ(folder->PathOf("one.png"), (temp / "a/b/one.png").string());
}

TEST(OutputFolder, ARelativePathIsBelowTheWorkingFolder) {
  const TempFolder temp;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(temp.path());
  auto folder = OutputFolder::Plan("new/below");
  EXPECT_THAT(folder, IsOk());
  EXPECT_THAT(folder->Write("one.png", "1"), IsOk());
  std::filesystem::current_path(before);
  EXPECT_EQ(TextOf(temp / "new/below/one.png"), "1");
}

TEST(OutputFolder, WhatIsInTheWayIsToldBeforeAnythingIsMade) {
  const TempFolder temp;
  std::ofstream(temp / "file") << "x";
  EXPECT_THAT(OutputFolder::Plan(temp / "file"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("in the way")));
  EXPECT_THAT(OutputFolder::Plan(temp / "file/below"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr((temp / "file").string())));
}

TEST(OutputFolder, AFolderThatMayNotBeWrittenIsToldBeforeAnythingIsMade) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TempFolder temp;
  ASSERT_EQ(chmod(temp.path().c_str(), 0500), 0);
  EXPECT_THAT(OutputFolder::Plan(temp / "new"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("can't write")));
  ASSERT_EQ(chmod(temp.path().c_str(), 0700), 0);
}

TEST(OutputFolder, AFullDiskLeavesNoHalfFile) {
  const TempFolder temp;
  std::filesystem::create_symlink("/dev/full", temp / "full.png");
  EXPECT_THAT(WriteOutputFile(temp / "full.png", "bytes"), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(temp / "full.png")));
}

TEST(OutputFolder, StemsAreGivenOnce) {
  const TempFolder temp;
  auto folder = OutputFolder::Plan(temp.path());
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->UniqueStem("shirt"), "shirt");
  EXPECT_EQ(folder->UniqueStem("shirt"), "shirt-2");
  EXPECT_EQ(folder->UniqueStem("shirt-2"), "shirt-2-2");
  EXPECT_EQ(folder->UniqueStem("shirt"), "shirt-3");
}

}  // namespace
}  // namespace mae
