#include "base/sqlite.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/match.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::Not;
using Mode = Database::Mode;

absl::StatusOr<int64_t> QueryInt(Database& database, const std::string& sql) {
  MAE_ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
  MAE_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (!has_row) return absl::NotFoundError("no row");
  return statement.Int(0);
}

absl::StatusOr<int64_t> CountRows(Database& database) { return QueryInt(database, "SELECT count(*) FROM t"); }

absl::Status Insert(Database& database, int64_t value) {
  MAE_ASSIGN_OR_RETURN(Statement statement, database.Prepare("INSERT INTO t(x) VALUES(?)"));
  return statement.Bind(1, value).Run();
}

// A writer on a new database with the table t(x UNIQUE).
std::unique_ptr<Database> NewDatabase(const std::filesystem::path& path) {
  auto database = Database::Open(path, Mode::kReadWrite);
  EXPECT_THAT(database, IsOk());
  EXPECT_THAT((*database)->Execute("CREATE TABLE t(x INTEGER UNIQUE)"), IsOk());
  return *std::move(database);
}

int ExitCodeOf(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Runs `body` in a child that has no rights beyond others', and gives its exit code.
template <typename Body>
int ExitCodeWithoutRights(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (getuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) _exit(100);
    _exit(body());
  }
  return ExitCodeOf(child);
}

// Likewise in a child that can open nothing more.
template <typename Body>
int ExitCodeWithoutDescriptors(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    const int next = open("/dev/null", O_RDONLY);  // all below it are taken
    close(next);
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(next);
    if (next < 0 || setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(100);
    _exit(body());
  }
  return ExitCodeOf(child);
}

TEST(Statement, RoundTripsEveryType) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  ASSERT_THAT(database->Execute("CREATE TABLE v(i, d, s, e, n)"), IsOk());
  auto insert = database->Prepare("INSERT INTO v VALUES(?, ?, ?, ?, ?)");
  ASSERT_THAT(insert, IsOk());
  const std::string text("a\0b \xc3\xbc", 6);
  insert->Bind(1, int64_t{1} << 62).Bind(2, 0.1).Bind(3, text).Bind(4, std::string_view()).BindNull(5);
  ASSERT_THAT(insert->Run(), IsOk());

  auto select = database->Prepare("SELECT * FROM v");
  ASSERT_THAT(select, IsOk());
  ASSERT_THAT(select->Step(), IsOkAndHolds(true));
  EXPECT_EQ(select->Int(0), int64_t{1} << 62);
  EXPECT_EQ(select->Double(1), 0.1);
  EXPECT_EQ(select->Text(2), text);
  EXPECT_FALSE(select->IsNull(3));
  EXPECT_EQ(select->Text(3), "");
  EXPECT_TRUE(select->IsNull(4));
  EXPECT_EQ(select->Text(4), "");
  EXPECT_THAT(select->Step(), IsOkAndHolds(false));
}

TEST(Statement, ResetForgetsBindingsAndCanRunAgain) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  auto insert = database->Prepare("INSERT INTO t(x) VALUES(?)");
  ASSERT_THAT(insert, IsOk());
  for (int value = 0; value < 3; ++value) {
    ASSERT_THAT(insert->Bind(1, value).Run(), IsOk());
    insert->Reset();
  }
  ASSERT_THAT(insert->Run(), IsOk());
  EXPECT_THAT(CountRows(*database), IsOkAndHolds(4));
  EXPECT_THAT(QueryInt(*database, "SELECT count(*) FROM t WHERE x IS NULL"), IsOkAndHolds(1));
}

TEST(Statement, ReportsABadBindWhenItRuns) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  auto insert = database->Prepare("INSERT INTO t(x) VALUES(?)");
  ASSERT_THAT(insert, IsOk());
  EXPECT_THAT(insert->Bind(2, 1).Bind(1, 1).Run(), StatusIs(StatusCode::kInternal, HasSubstr("range")));
}

TEST(Database, WrongSqlIsAnErrorThatNamesTheFile) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  EXPECT_THAT(database->Execute("SELEKT"),
              StatusIs(StatusCode::kInternal, HasSubstr((folder / "db").string())));
  EXPECT_THAT(database->Prepare("SELECT nope FROM t"), StatusIs(StatusCode::kInternal, HasSubstr("nope")));
}

TEST(Database, AWriterUsesWalFullSyncAndForeignKeys) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  auto journal = database->Prepare("PRAGMA journal_mode");
  ASSERT_THAT(journal, IsOk());
  ASSERT_THAT(journal->Step(), IsOkAndHolds(true));
  EXPECT_EQ(journal->Text(0), "wal");
  EXPECT_THAT(QueryInt(*database, "PRAGMA synchronous"), IsOkAndHolds(2));
  EXPECT_THAT(QueryInt(*database, "PRAGMA foreign_keys"), IsOkAndHolds(1));
  EXPECT_THAT(QueryInt(*database, "PRAGMA busy_timeout"), IsOkAndHolds(5000));
}

TEST(Database, ABrokenConstraintIsAlreadyExists) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  ASSERT_THAT(Insert(*database, 1), IsOk());
  EXPECT_THAT(Insert(*database, 1), StatusIs(StatusCode::kAlreadyExists, HasSubstr("UNIQUE")));
  EXPECT_EQ(database->last_insert_rowid(), 1);
}

TEST(Transaction, CommitsAllOrNothing) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  ASSERT_THAT(database->Transaction([&] { return Insert(*database, 1); }), IsOk());
  const auto insert_then_fail = [&]() -> absl::Status {
    MAE_RETURN_IF_ERROR(Insert(*database, 2));
    return absl::CancelledError("changed my mind");
  };
  EXPECT_THAT(database->Transaction(insert_then_fail), StatusIs(StatusCode::kCancelled, "changed my mind"));
  EXPECT_THAT(CountRows(*database), IsOkAndHolds(1));
  EXPECT_THAT(database->Transaction([&] { return Insert(*database, 3); }), IsOk());
  EXPECT_THAT(CountRows(*database), IsOkAndHolds(2));
}

TEST(Transaction, RollsBackIfTheCommitFails) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  ASSERT_THAT(database->Execute("CREATE TABLE child(x REFERENCES t(x) DEFERRABLE INITIALLY DEFERRED)"),
              IsOk());
  EXPECT_THAT(database->Transaction([&] { return database->Execute("INSERT INTO child VALUES(9)"); }),
              StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(QueryInt(*database, "SELECT count(*) FROM child"), IsOkAndHolds(0));
}

TEST(Transaction, AFullDatabaseIsResourceExhaustedAndStaysWhole) {
  const TempFolder folder;
  const auto database = NewDatabase(folder / "db");
  ASSERT_THAT(database->Execute("CREATE TABLE blobs(b); PRAGMA max_page_count=8"), IsOk());
  const auto fill = [&] { return database->Execute("INSERT INTO blobs VALUES(zeroblob(1000000))"); };
  EXPECT_THAT(database->Transaction(fill), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Insert(*database, 1), IsOk());
  EXPECT_THAT(QueryInt(*database, "SELECT count(*) FROM blobs"), IsOkAndHolds(0));
}

TEST(Transaction, IsUnavailableWhileAnotherWriterHoldsTheLock) {
  const TempFolder folder;
  const auto first = NewDatabase(folder / "db");
  auto second = Database::Open(folder / "db", Mode::kReadWrite);
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT((*second)->Execute("PRAGMA busy_timeout=1"), IsOk());
  const auto nested = [&] { return (*second)->Transaction([] { return absl::OkStatus(); }); };
  EXPECT_THAT(first->Transaction(nested), StatusIs(StatusCode::kUnavailable, HasSubstr("locked")));
}

TEST(ReadOnly, SeesWhatALiveWriterCommitsAndNothingElse) {
  const TempFolder folder;
  const auto writer = NewDatabase(folder / "db");
  auto reader = Database::Open(folder / "db", Mode::kReadOnly);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(CountRows(**reader), IsOkAndHolds(0));
  const auto insert_and_look = [&]() -> absl::Status {
    MAE_RETURN_IF_ERROR(Insert(*writer, 1));
    EXPECT_THAT(CountRows(**reader), IsOkAndHolds(0));
    return absl::OkStatus();
  };
  ASSERT_THAT(writer->Transaction(insert_and_look), IsOk());
  EXPECT_THAT(CountRows(**reader), IsOkAndHolds(1));
}

TEST(ReadOnly, RefusesToWriteAndLeavesTheLogAlone) {
  const TempFolder folder;
  const auto writer = NewDatabase(folder / "db");
  ASSERT_THAT(Insert(*writer, 1), IsOk());
  const auto log_size = std::filesystem::file_size(folder / "db-wal");
  {
    auto reader = Database::Open(folder / "db", Mode::kReadOnly);
    ASSERT_THAT(reader, IsOk());
    EXPECT_THAT(Insert(**reader, 2), StatusIs(StatusCode::kPermissionDenied));
    EXPECT_THAT((*reader)->Execute("PRAGMA wal_checkpoint(TRUNCATE)"), Not(IsOk()));
  }
  EXPECT_EQ(std::filesystem::file_size(folder / "db-wal"), log_size);
  EXPECT_THAT(CountRows(*writer), IsOkAndHolds(1));
}

TEST(ReadOnly, WorksAfterTheWriterFinishedAndTookItsSharedMemoryAway) {
  const TempFolder folder;
  ASSERT_THAT(Insert(*NewDatabase(folder / "db"), 1), IsOk());
  ASSERT_FALSE(std::filesystem::exists(folder / "db-shm"));
  auto reader = Database::Open(folder / "db", Mode::kReadOnly);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(CountRows(**reader), IsOkAndHolds(1));
  // A writer that comes back meanwhile is seen as well.
  auto writer = Database::Open(folder / "db", Mode::kReadWrite);
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(Insert(**writer, 2), IsOk());
  EXPECT_THAT(CountRows(**reader), IsOkAndHolds(2));
}

TEST(ReadOnly, WorksAfterTheWriterFinishedInAFolderThatMayNotBeWritten) {
  const TempFolder folder;
  ASSERT_THAT(Insert(*NewDatabase(folder / "100% db?#"), 1), IsOk());
  ASSERT_EQ(chmod(folder.path().c_str(), 0555), 0);
  const int exit_code = ExitCodeWithoutRights([&] {
    auto reader = Database::Open(folder / "100% db?#", Mode::kReadOnly);
    return reader.ok() && CountRows(**reader).value_or(-1) == 1 ? 0 : 1;
  });
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  EXPECT_EQ(exit_code, 0);
}

TEST(ReadOnly, SeesWhatAWriterHadCommittedWhenItWasKilled) {
  const TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const auto writer = NewDatabase(folder / "db");
    if (!Insert(*writer, 1).ok()) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto reader = Database::Open(folder / "db", Mode::kReadOnly);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(CountRows(**reader), IsOkAndHolds(1));
}

TEST(ReadOnly, SeesNothingOfATransactionInWhichAWriterOfSeveralMachinesWasKilled) {
  const TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const auto writer = Database::Open(folder / "db", Mode::kReadWriteOfSeveralMachines);
    if (!writer.ok() || !(*writer)->Execute("CREATE TABLE t (x INTEGER, filling TEXT)").ok()) _exit(1);
    if (!(*writer)->Execute("INSERT INTO t VALUES (1, '')").ok()) _exit(1);
    // More than its cache holds, so that pages are in the file before the commit.
    const char* const many =
        "PRAGMA cache_size=1; BEGIN; WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i "
        "< "
        "2000) INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n";
    if (!(*writer)->Execute(many).ok()) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(std::filesystem::file_size(folder / "db"), 100'000)
      << "nothing of the transaction is in the file";
  auto reader = Database::Open(folder / "db", Mode::kReadOnly);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(CountRows(**reader), IsOkAndHolds(1));
  EXPECT_FALSE((*reader)->Execute("INSERT INTO t VALUES (2, '')").ok());
}

TEST(ReadOnly, NeedsAFileAndMakesNone) {
  const TempFolder folder;
  EXPECT_THAT(Database::Open(folder / "db", Mode::kReadOnly),
              StatusIs(StatusCode::kNotFound, HasSubstr((folder / "db").string())));
  EXPECT_FALSE(std::filesystem::exists(folder / "db"));
}

TEST(Open, AFolderThatIsMissingIsNotFound) {
  const TempFolder folder;
  EXPECT_THAT(Database::Open(folder / "none" / "db", Mode::kReadWrite),
              StatusIs(StatusCode::kNotFound, HasSubstr("none/db")));
}

TEST(Open, AFileThatMayNotBeReadIsPermissionDenied) {
  const TempFolder folder;
  ASSERT_THAT(Insert(*NewDatabase(folder / "db"), 1), IsOk());
  ASSERT_EQ(chmod((folder / "db").c_str(), 0), 0);
  EXPECT_EQ(ExitCodeWithoutRights([&] {
              return absl::IsPermissionDenied(Database::Open(folder / "db", Mode::kReadOnly).status()) ? 0
                                                                                                       : 1;
            }),
            0);
}

TEST(Open, WithoutAFreeDescriptorItSaysSoAndNamesNoPath) {
  const TempFolder folder;
  ASSERT_THAT(Insert(*NewDatabase(folder / "db"), 1), IsOk());
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    const int exit_code = ExitCodeWithoutDescriptors([&] {
      const absl::Status status = Database::Open(folder / "db", mode).status();
      const bool says_so = absl::StrContains(status.message(), "no descriptor is free (ulimit -n)");
      const bool names_path = absl::StrContains(status.message(), folder.path().string());
      return absl::IsResourceExhausted(status) && says_so && !names_path ? 0 : 1;
    });
    EXPECT_EQ(exit_code, 0);
  }
}

TEST(Open, AnotherKindOfFileIsDataLossInBothModes) {
  const TempFolder folder;
  const std::string content(5'000, 'x');
  ASSERT_THAT(WriteFileDurably(folder / "db", content), IsOk());
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    EXPECT_THAT(Database::Open(folder / "db", mode), StatusIs(StatusCode::kDataLoss));
  }
  EXPECT_THAT(ReadFile(folder / "db"), IsOkAndHolds(content));
}

TEST(CheckWhole, ADamagedFileAndTheLogThatAKilledWriterLeftStayAsTheyAre) {
  const TempFolder folder;
  ASSERT_THAT(NewDatabase(folder / "db")->Execute("CREATE TABLE u(x)"), IsOk());
  const pid_t child = fork();
  if (child == 0) {
    const auto writer = Database::Open(folder / "db", Mode::kReadWrite);
    if (!writer.ok() || !(*writer)->Execute("INSERT INTO u VALUES (1)").ok()) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  std::fstream(folder / "db", std::ios::in | std::ios::out | std::ios::binary).seekp(4096)
      << std::string(4096, '\x7f');  // t's root page
  const auto file = ReadFile(folder / "db"), log = ReadFile(folder / "db-wal");
  ASSERT_THAT(log, IsOk());
  {
    const auto database = Database::Open(folder / "db", Mode::kReadWrite);
    ASSERT_THAT(database, IsOk());
    EXPECT_THAT((*database)->CheckWhole(), StatusIs(StatusCode::kDataLoss));
  }
  EXPECT_TRUE(ReadFile(folder / "db") == file);
  EXPECT_TRUE(ReadFile(folder / "db-wal") == log);
}

TEST(CheckWhole, TheLogThatAWriterLeavesAWholeFileIsWorkedInWhenItIsClosed) {
  const TempFolder folder;
  auto database = NewDatabase(folder / "db");
  ASSERT_THAT(database->CheckWhole(), IsOk());
  ASSERT_TRUE(std::filesystem::exists(folder / "db-wal"));
  database.reset();
  EXPECT_FALSE(std::filesystem::exists(folder / "db-wal"));
}

TEST(Open, ADamagedPageIsDataLossWhenItIsRead) {
  const TempFolder folder;
  NewDatabase(folder / "db").reset();
  std::fstream file(folder / "db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096) << std::string(4096, '\x7f');  // the table's root page
  file.close();
  auto database = Database::Open(folder / "db", Mode::kReadOnly);
  ASSERT_THAT(database, IsOk());
  EXPECT_THAT(CountRows(**database), StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace mae
