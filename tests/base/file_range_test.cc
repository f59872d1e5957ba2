#include "base/file_range.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class FileRangeTest : public testing::Test {
 protected:
  FileRangeTest() { std::ofstream(path_) << "0123456789"; }

  TempFolder folder_;
  const std::filesystem::path path_ = folder_ / "ten";
};

TEST_F(FileRangeTest, IsTheBytesAskedFor) {
  EXPECT_EQ(ReadFileRange(path_, 3, 4).value(), "3456");
  EXPECT_EQ(ReadFileRange(path_, 10, 0).value(), "");
}

TEST_F(FileRangeTest, AFileThatEndsBeforeIsCutOff) {
  EXPECT_THAT(ReadFileRange(path_, 8, 4),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("2 of 4 bytes at byte 8")));
  EXPECT_THAT(ReadFileRange(folder_ / "none", 0, 1), StatusIs(StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(FileRangeTest, WhatIsOpenIsReadUpToItsEnd) {
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text(8, '-');
  EXPECT_EQ(ReadAt(fd, 6, text.data(), 8, path_).value(), 4);
  EXPECT_EQ(text, "6789----");
  close(fd);
}

}  // namespace
}  // namespace mae
