#include "interop/zip_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/interop/zip_writer.h"

namespace mae {
namespace {

using testing::HasSubstr;

constexpr auto kBadZip = absl::StatusCode::kInvalidArgument;

class ZipFileTest : public testing::Test {
 protected:
  absl::StatusOr<ZipFile> Open(const std::string& bytes) {
    std::ofstream(folder_ / "a.zip", std::ios::binary) << bytes;
    return ZipFile::Open(folder_ / "a.zip");
  }

  TempFolder folder_;
};

std::string ContentOf(ZipFile& zip, const std::string& name) {
  const ZipEntry entry = zip.entries().at(name);
  std::string content(static_cast<size_t>(entry.bytes), '\0');
  EXPECT_THAT(zip.Read(entry, content.data()), IsOk());
  return content;
}

TEST_F(ZipFileTest, ReadsStoredEntriesInBothWidths) {
  for (const bool zip64 : {false, true}) {
    auto zip = Open(ZipOf({{"a/x", "hello"}, {"a/y", ""}, {"a/z", std::string(1000, 'z')}}, zip64));
    ASSERT_THAT(zip, IsOk());
    EXPECT_EQ(zip->entries().size(), 3U);
    EXPECT_EQ(ContentOf(*zip, "a/x"), "hello");
    EXPECT_EQ(ContentOf(*zip, "a/y"), "");
    EXPECT_EQ(ContentOf(*zip, "a/z"), std::string(1000, 'z'));
  }
}

TEST_F(ZipFileTest, DamageIsFoundByTheChecksum) {
  ZipPart part{"a", "hello"};
  part.claimed_crc32 = 1;
  auto zip = Open(ZipOf({part}));
  ASSERT_THAT(zip, IsOk());
  char to[5];
  EXPECT_THAT(zip->Read(zip->entries().at("a"), to), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ZipFileTest, RefusesCompressedEncryptedAndDoubleEntries) {
  ZipPart deflated{"a", "x"}, secret{"a", "x"};
  deflated.method = 8;
  secret.flags = 1;
  EXPECT_THAT(Open(ZipOf({deflated})), StatusIs(kBadZip, HasSubstr("entry a is compressed")));
  EXPECT_THAT(Open(ZipOf({secret})), StatusIs(kBadZip, HasSubstr("encrypted")));
  EXPECT_THAT(Open(ZipOf({{"a", "x"}, {"a", "y"}})), StatusIs(kBadZip, HasSubstr("there twice")));
}

TEST_F(ZipFileTest, SizesAndOffsetsBeyondTheFileAreRefused) {
  for (const bool zip64 : {false, true}) {
    for (const uint64_t size : {uint64_t{6000}, uint64_t{0xFFFFFFF0}, uint64_t{1} << 63, ~uint64_t{0}}) {
      if (!zip64 && size > 0xFFFFFFFF) continue;
      ZipPart long_one{"a", "x"}, far_one{"a", "x"};
      long_one.claimed_bytes = size;
      far_one.claimed_header = size;
      EXPECT_THAT(Open(ZipOf({long_one}, zip64)), StatusIs(kBadZip, HasSubstr("beyond the file"))) << size;
      EXPECT_THAT(Open(ZipOf({far_one}, zip64)), StatusIs(kBadZip)) << size;
    }
  }
}

// The bomb without compression: many names for the same bytes.
TEST_F(ZipFileTest, EntriesThatShareBytesAreRefused) {
  ZipPart first{"a", std::string(100, 'a')}, second{"b", "b"};
  second.claimed_header = 0;
  second.claimed_bytes = 100;
  EXPECT_THAT(Open(ZipOf({first, second})), StatusIs(kBadZip, HasSubstr("overlap")));
}

TEST_F(ZipFileTest, WhatIsNoZipIsRefused) {
  EXPECT_THAT(Open(""), StatusIs(kBadZip, HasSubstr("no directory")));
  EXPECT_THAT(Open("\x80\x02}q."), StatusIs(kBadZip, HasSubstr("before 1.6")));
  EXPECT_THAT(ZipFile::Open(folder_ / "none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ZipFileTest, NoTruncationOrChangedByteCrashes) {
  for (const bool zip64 : {false, true}) {
    const auto whole = ZipOf({{"a", "hello"}, {"b", "you"}}, zip64);
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_FALSE(Open(whole.substr(0, i)).ok()) << i;
      for (const char value : {'\0', '\x7f', '\xff'}) {
        auto changed = whole;
        changed[i] = value;
        auto zip = Open(changed);
        if (!zip.ok()) continue;
        int64_t total = 0;
        for (const auto& [name, entry] : zip->entries()) total += entry.bytes;
        EXPECT_LE(total, static_cast<int64_t>(whole.size()));
      }
    }
  }
}

}  // namespace
}  // namespace mae
