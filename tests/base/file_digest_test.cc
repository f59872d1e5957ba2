#include "base/file_digest.h"

#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "base/system_error.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(DigestStream, DoesNotDependOnHowContentIsCut) {
  DigestStream stream;
  stream.Append("ab");
  stream.Append("");
  stream.Append("c");
  EXPECT_EQ(stream.Finish(), (FileDigest{3, Sha256Hex("abc")}));
  EXPECT_EQ(stream.Finish(), (FileDigest{0, Sha256Hex("")}));
}

TEST(DigestFile, IsThatOfTheContentAlsoAcrossItsBuffer) {
  const TempFolder folder;
  const std::string content((size_t{1} << 20) * 2 + 17, 'q');
  ASSERT_THAT(WriteFileDurably(folder / "file", content), IsOk());
  const FileDigest expected{static_cast<int64_t>(content.size()), Sha256Hex(content)};
  EXPECT_THAT(DigestFile(folder / "file"), IsOkAndHolds(expected));
  EXPECT_THAT(DigestFile(folder / "file", ReadThrough::kDevice), IsOkAndHolds(expected));
}

TEST(DigestFile, NamesAFileThatIsNotThere) {
  const TempFolder folder;
  EXPECT_THAT(DigestFile(folder / "none"), StatusIs(StatusCode::kNotFound, HasSubstr("none")));
}

TEST(SystemError, SortsErrnoAndKeepsItsWords) {
  EXPECT_THAT(SystemError("open", "/x", ENOENT),
              StatusIs(StatusCode::kNotFound, "cannot open /x: No such file or directory"));
  EXPECT_THAT(SystemError("open", "/x", EROFS), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(SystemError("write", "/x", EDQUOT), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(SystemError("write", "/x", EIO), StatusIs(StatusCode::kInternal));
}

}  // namespace
}  // namespace mae
