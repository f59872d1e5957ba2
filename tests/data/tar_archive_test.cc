#include "data/tar_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/status_macros.h"
#include "tests/data/file_bytes.h"
#include "tests/data/tar_writer.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;

class TarArchive : public testing::Test {
 protected:
  void Pack(const std::vector<TarEntry>& entries) const { SetGzBytes(path_, TarBytes(entries)); }

  // "base name=content" of each member visited.
  absl::StatusOr<std::vector<std::string>> Contents() const {
    std::vector<std::string> contents;
    const auto read = [&contents](TarMember& member) -> absl::Status {
      std::vector<uint8_t> bytes;
      MAE_RETURN_IF_ERROR(AppendBytes(member, member.size(), bytes));
      contents.push_back(member.base_name() + "=" + std::string(bytes.begin(), bytes.end()));
      return absl::OkStatus();
    };
    MAE_RETURN_IF_ERROR(VisitTar(path_, read));
    return contents;
  }

  const TempFolder folder_;
  const std::filesystem::path path_ = folder_ / "archive.tar.gz";
};

TEST_F(TarArchive, VisitsFilesInOrderWhateverTheirFolders) {
  Pack({{"b.txt", "second letter", ""}, {"deep/er/a.txt", "first", ""}, {"../up.txt", "", ""}});
  EXPECT_THAT(Contents(), IsOkAndHolds(ElementsAre("b.txt=second letter", "a.txt=first", "up.txt=")));
}

TEST_F(TarArchive, LeavesLinksOut) {
  Pack({{"link", "", "/etc/passwd"}, {"file", "x", ""}});
  EXPECT_THAT(Contents(), IsOkAndHolds(ElementsAre("file=x")));
}

TEST_F(TarArchive, RefusesLinksIfItIsToTakeAll) {
  Pack({{"file", "x", ""}, {"a/link", "", "/etc/passwd"}});
  EXPECT_THAT(VisitTar(path_, [](TarMember&) { return absl::OkStatus(); }, {.refuse_others = true}),
              StatusIs(StatusCode::kInvalidArgument, testing::HasSubstr("a/link is a link")));
}

// A pax header whose sparse map lies beyond the size, which libarchive does not show as a sparse entry.
TEST_F(TarArchive, AMapOfGapsBeyondTheSizeIsRefused) {
  const std::filesystem::path source = std::getenv("MAE_SOURCE_DIR");
  std::filesystem::copy_file(source / "tests/fuzz/corpus/tar_archive/seed-sparse-beyond", path_);
  EXPECT_THAT(Contents(), StatusIs(StatusCode::kInvalidArgument, testing::HasSubstr("sparse")));
}

TEST_F(TarArchive, NeedsNoGzip) {
  SetFileBytes(path_, TarBytes({{"file", "x", ""}}));
  EXPECT_THAT(Contents(), IsOkAndHolds(ElementsAre("file=x")));
}

TEST_F(TarArchive, AnEmptyArchiveHasNoMembers) {
  Pack({});
  EXPECT_THAT(Contents(), IsOkAndHolds(IsEmpty()));
}

TEST_F(TarArchive, AMemberNeedNotBeRead) {
  Pack({{"long", std::string(100000, 'l'), ""}, {"short", "s", ""}});
  std::vector<std::string> names;
  EXPECT_THAT(VisitTar(path_,
                       [&names](TarMember& member) {
                         names.push_back(member.base_name());
                         return absl::OkStatus();
                       }),
              IsOk());
  EXPECT_THAT(names, ElementsAre("long", "short"));
}

TEST_F(TarArchive, StopsAtTheFirstErrorOfAVisit) {
  Pack({{"a", "", ""}, {"b", "", ""}});
  int visits = 0;
  EXPECT_THAT(VisitTar(path_,
                       [&visits](TarMember&) {
                         ++visits;
                         return absl::AbortedError("enough");
                       }),
              StatusIs(StatusCode::kAborted, "enough"));
  EXPECT_EQ(visits, 1);
}

TEST_F(TarArchive, ChecksTheChecksumAlsoFarBehindTheLastMember) {
  SetGzBytes(path_, TarBytes({{"file", "x", ""}}) + std::string(2000000, '\0'));
  EXPECT_THAT(Contents(), IsOk());
  FlipBit(path_, static_cast<int64_t>(std::filesystem::file_size(path_)) - 8);
  EXPECT_THAT(Contents(), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(TarArchive, AMissingArchiveIsNotFound) { EXPECT_THAT(Contents(), StatusIs(StatusCode::kNotFound)); }

}  // namespace
}  // namespace mae
