#include "server/database_schema.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "server/job_table.h"
#include "server/server.h"
#include "server/server_config.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class DatabaseSchemaTest : public testing::Test {
 protected:
  std::unique_ptr<Database> Open(const std::string& name) {
    auto database = Database::Open(temp_ / name, Database::Mode::kReadWrite);
    EXPECT_THAT(database, IsOk());
    return *std::move(database);
  }
  // As the first servers left it: without a version, without jobs.alias_moves, with a job.
  void MakeOldDatabase() {
    const auto database = Open("mae.db");
    absl::Mutex mutex;
    const auto table = JobTable::Create(*database, mutex);
    ASSERT_THAT(table, IsOk());
    JobRecord record;
    record.id = "pretrain-1";
    record.spec = "{}";
    ASSERT_THAT((*table)->Insert(record), IsOk());
    ASSERT_THAT(database->Execute("ALTER TABLE jobs DROP COLUMN alias_moves; PRAGMA user_version = 0"),
                IsOk());
  }
  absl::Status StartServer() {
    const auto config = LoadServerConfig("", {"listen=127.0.0.1:0", "metrics_listen=127.0.0.1:0",
                                              absl::StrCat("data_dir=", temp_.path().string())});
    EXPECT_THAT(config, IsOk());
    const auto server = Server::Start(*config);
    if (server.ok()) (*server)->Drain();
    return server.status();
  }
  static int64_t Number(Database& database, const std::string& query) {
    auto row = database.Prepare(query);
    EXPECT_THAT(row, IsOk());
    EXPECT_THAT(row->Step(), IsOkAndHolds(true));
    return row->Int(0);
  }
  TempFolder temp_;
};

TEST_F(DatabaseSchemaTest, AServerBringsAnOldDatabaseForwardAndLeavesACopyOfItAsItWas) {
  MakeOldDatabase();
  ASSERT_THAT(WriteFileDurably(temp_ / "mae.db.version-0.copy", "of an upgrade that was interrupted"),
              IsOk());
  ASSERT_THAT(StartServer(), IsOk());
  const auto now = Open("mae.db"), before = Open("mae.db.version-0");
  EXPECT_EQ(Number(*now, "PRAGMA user_version"), kDatabaseVersion);
  EXPECT_EQ(Number(*before, "PRAGMA user_version"), 0);
  const char* const columns = "SELECT COUNT(*) FROM pragma_table_info('jobs') WHERE name = 'alias_moves'";
  EXPECT_EQ(Number(*now, columns), 1);
  EXPECT_EQ(Number(*before, columns), 0);
  for (Database* database : {now.get(), before.get()}) {
    EXPECT_EQ(Number(*database, "SELECT COUNT(*) FROM jobs WHERE id = 'pretrain-1'"), 1);
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "mae.db.version-0.copy"));
}

TEST_F(DatabaseSchemaTest, ADatabaseThatIsNewOrUpToDateIsNotCopied) {
  ASSERT_THAT(StartServer(), IsOk());
  ASSERT_THAT(StartServer(), IsOk());
  EXPECT_EQ(Number(*Open("mae.db"), "PRAGMA user_version"), kDatabaseVersion);
  for (const auto& entry : std::filesystem::directory_iterator(temp_.path())) {
    EXPECT_EQ(entry.path().string().find(".version-"), std::string::npos) << entry.path();
  }
}

TEST_F(DatabaseSchemaTest, ADamagedDatabaseIsRefusedByNameAndLeftAsItIs) {
  ASSERT_THAT(StartServer(), IsOk());
  const std::string whole = *ReadFile(temp_ / "mae.db");
  constexpr size_t kPage = 4096;
  ASSERT_GE(whole.size(), 3 * kPage);
  for (size_t page = 0; page < whole.size() / kPage; ++page) {
    std::string damaged = whole;
    damaged.replace(page * kPage, kPage, std::string(kPage, '\x5a'));
    ASSERT_THAT(WriteFileDurably(temp_ / "mae.db", damaged), IsOk());
    EXPECT_THAT(StartServer(), StatusIs(StatusCode::kDataLoss, HasSubstr("mae.db"))) << page;
    EXPECT_EQ(*ReadFile(temp_ / "mae.db"), damaged) << page;
  }
  ASSERT_THAT(WriteFileDurably(temp_ / "mae.db", whole), IsOk());
  EXPECT_THAT(StartServer(), IsOk());
}

TEST_F(DatabaseSchemaTest, ADatabaseOfALaterServerIsRefusedAndLeftAsItIs) {
  ASSERT_THAT(Open("mae.db")->Execute("CREATE TABLE later(x); PRAGMA user_version = 99"), IsOk());
  EXPECT_THAT(StartServer(),
              StatusIs(StatusCode::kFailedPrecondition, AllOf(HasSubstr("99"), HasSubstr("mae.db"))));
  EXPECT_EQ(Number(*Open("mae.db"), "SELECT COUNT(*) FROM sqlite_master"), 1);
}

}  // namespace
}  // namespace mae
