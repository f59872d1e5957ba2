#include "data/gz_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/data/file_bytes.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class GzFileTest : public testing::Test {
 protected:
  void SetUp() override {
    SetFileBytes(plain_, "abcde");
    SetGzBytes(packed_, "abcde");
  }
  const TempFolder folder_;
  const std::filesystem::path plain_ = folder_ / "plain", packed_ = folder_ / "packed";
};

TEST_F(GzFileTest, ReadsInOrderAndGivesLessOnlyAtTheEnd) {
  for (const std::filesystem::path& path : {plain_, packed_}) {
    absl::StatusOr<GzFile> file = GzFile::Open(path);
    ASSERT_THAT(file, IsOk());
    std::array<uint8_t, 3> bytes{};
    EXPECT_THAT(file->Read(absl::MakeSpan(bytes)), IsOkAndHolds(3));
    EXPECT_THAT(bytes, ElementsAre('a', 'b', 'c'));
    EXPECT_THAT(file->Read(absl::MakeSpan(bytes)), IsOkAndHolds(2));
    EXPECT_THAT(bytes, ElementsAre('d', 'e', 'c'));
    EXPECT_THAT(file->Read(absl::MakeSpan(bytes)), IsOkAndHolds(0));
  }
}

TEST_F(GzFileTest, ExpectEndHoldsAtTheEndAlone) {
  for (const std::filesystem::path& path : {plain_, packed_}) {
    absl::StatusOr<GzFile> file = GzFile::Open(path);
    ASSERT_THAT(file, IsOk());
    std::vector<uint8_t> bytes;
    ASSERT_THAT(AppendBytes(*file, 4, bytes), IsOk());
    EXPECT_THAT(file->ExpectEnd(), StatusIs(StatusCode::kInvalidArgument, HasSubstr(path.string())));
    EXPECT_THAT(file->ExpectEnd(), IsOk());  // the fifth byte is read now
  }
}

TEST_F(GzFileTest, TruncationSaysHowMuchIsMissing) {
  absl::StatusOr<GzFile> file = GzFile::Open(packed_);
  ASSERT_THAT(file, IsOk());
  std::vector<uint8_t> bytes = {'x'};
  EXPECT_THAT(AppendBytes(*file, 12, bytes),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is truncated: it ends 7 bytes or more")));
}

TEST_F(GzFileTest, ConcatenatedMembersAreOneContent) {
  SetFileBytes(packed_, FileBytes(packed_) + FileBytes(packed_));
  absl::StatusOr<GzFile> file = GzFile::Open(packed_);
  ASSERT_THAT(file, IsOk());
  std::vector<uint8_t> bytes;
  ASSERT_THAT(AppendBytes(*file, 10, bytes), IsOk());
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "abcdeabcde");
  EXPECT_THAT(file->ExpectEnd(), IsOk());
}

TEST_F(GzFileTest, ChecksAPlainSizeExactlyAndAPackedOneByWhatDeflateCanDo) {
  const absl::StatusOr<GzFile> plain = GzFile::Open(plain_), packed = GzFile::Open(packed_);
  ASSERT_THAT(plain, IsOk());
  ASSERT_THAT(packed, IsOk());
  EXPECT_THAT(plain->CheckSize(5, "five"), IsOk());
  EXPECT_THAT(plain->CheckSize(4, "four"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("four")));
  EXPECT_THAT(plain->CheckSize(6, "six"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("six")));
  EXPECT_THAT(packed->CheckSize(1000, "a thousand"), IsOk());
  EXPECT_THAT(packed->CheckSize(1000000, "a million"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("a million would be 1000000 bytes")));
}

TEST_F(GzFileTest, OpenTellsAMissingFileFromAFolder) {
  EXPECT_THAT(GzFile::Open(folder_ / "nowhere"), StatusIs(StatusCode::kNotFound, HasSubstr("nowhere")));
  EXPECT_THAT(GzFile::Open(folder_.path()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
}

}  // namespace
}  // namespace mae
