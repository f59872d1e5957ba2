#include <gtest/gtest.h>
#include <sqlite3.h>

#include <vector>

#include "base/sqlite.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using Mode = Database::Mode;

// As a job with pictures has them.
void WriteBlobs(const std::filesystem::path& path) {
  auto database = Database::Open(path, Mode::kReadWrite);
  ASSERT_THAT(database, IsOk());
  ASSERT_THAT((*database)->Execute("CREATE TABLE t(x BLOB)"), IsOk());
  for (int i = 0; i < 32; ++i)
    ASSERT_THAT((*database)->Execute("INSERT INTO t(x) VALUES(randomblob(262144))"), IsOk());
}

TEST(ReadOnlyMemory, AReaderKeepsNoMegabytesOfWhatItHasRead) {
  constexpr int kReaders = 8;
  constexpr int64_t kMostOfOne = 400 << 10;
  const TempFolder folder;
  WriteBlobs(folder / "db");
  const int64_t before = sqlite3_memory_used();
  std::vector<std::unique_ptr<Database>> readers;
  for (int i = 0; i < kReaders; ++i) {
    auto reader = Database::Open(folder / "db", Mode::kReadOnly);
    ASSERT_THAT(reader, IsOk());
    auto all = (*reader)->Prepare("SELECT x FROM t");
    ASSERT_THAT(all, IsOk());
    int rows = 0;
    for (auto row = all->Step(); row.ok() && *row; row = all->Step()) rows += all->Text(0).empty() ? 0 : 1;
    EXPECT_EQ(rows, 32);
    readers.push_back(*std::move(reader));
  }
  EXPECT_LT(sqlite3_memory_used() - before, kReaders * kMostOfOne);
}

}  // namespace
}  // namespace mae
