#include "data/tar_index.h"

#include <gmock/gmock.h>

#include "tests/data/file_bytes.h"
#include "tests/data/tar_writer.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class TarIndexTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<TarPlace>> Index(const std::string& bytes) const {
    SetFileBytes(folder_ / "a.tar", bytes);
    return IndexTar(folder_ / "a.tar");
  }

  // With its checksum put right, as somebody hostile would.
  static std::string WithField(std::string tar, size_t offset, const std::string& field) {
    tar.replace(offset, field.size(), field);
    tar.replace(148, 8, "        ");
    int sum = 0;
    for (size_t i = 0; i < 512; ++i) sum += static_cast<uint8_t>(tar[i]);
    for (size_t digit = 0; digit < 6; ++digit)
      tar[148 + digit] = static_cast<char>('0' + (sum >> (15 - 3 * digit) & 7));
    tar[154] = '\0';
    return tar;
  }

  TempFolder folder_;
};

TEST_F(TarIndexTest, TellsWhereEachFileLies) {
  const std::string tar =
      TarBytes({{"a.txt", "first", ""}, {"d/b.txt", std::string(600, 'b'), ""}, {"empty", "", ""}});
  const auto places = Index(tar);
  ASSERT_THAT(places, IsOk());
  ASSERT_EQ(places->size(), 3u);
  EXPECT_EQ(tar.substr(static_cast<size_t>((*places)[0].offset), 5), "first");
  EXPECT_EQ((*places)[1].path, "d/b.txt");
  EXPECT_EQ(tar.substr(static_cast<size_t>((*places)[1].offset), 600), std::string(600, 'b'));
  EXPECT_EQ((*places)[2].bytes, 0);
}

TEST_F(TarIndexTest, RefusesSizesBeyondTheFile) {
  const std::string tar = TarBytes({{"a.txt", "first", ""}});
  for (const std::string& size :
       {std::string("77777777777"), std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12),
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12), std::string("12x45670000")}) {
    EXPECT_THAT(Index(WithField(tar, 124, size)),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("more bytes than the archive")));
  }
}

TEST_F(TarIndexTest, NamesTheByteOfADamagedHeader) {
  std::string tar = TarBytes({{"a.txt", "first", ""}, {"b.txt", "second", ""}});
  const auto places = Index(tar);
  const auto second = static_cast<size_t>((*places)[1].offset) - 512;
  tar[second + 3] ^= 1;
  EXPECT_THAT(Index(tar),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("byte " + std::to_string(second))));
}

TEST_F(TarIndexTest, RefusesWhatIsNoTar) {
  EXPECT_THAT(Index(std::string(2048, 'x')),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not the header of a tar")));
  EXPECT_THAT(Index("\x1f\x8b" + std::string(1000, 'z')),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("gunzip")));
  EXPECT_THAT(Index("short"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut off")));
  EXPECT_THAT(IndexTar(folder_ / "none.tar"), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace mae
