#include "base/sqlite.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr int kBusyTimeoutMs = 5000;

absl::StatusCode CodeOf(int result, sqlite3* handle) {
  switch (result & 0xFF) {  // the low byte is the primary code
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_CONSTRAINT:
      return absl::StatusCode::kAlreadyExists;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return SystemErrorCode(sqlite3_system_errno(handle));
    default:
      return absl::StatusCode::kInternal;
  }
}

// Which file it was is no help then: the next one fails as well.
bool LacksDescriptors(int result, sqlite3* handle) {
  const int code = result & 0xFF, error = sqlite3_system_errno(handle);
  return (code == SQLITE_CANTOPEN || code == SQLITE_IOERR) && (error == EMFILE || error == ENFILE);
}

absl::Status SqliteError(int result, sqlite3* handle, const std::string& path) {
  if (LacksDescriptors(result, handle)) {
    return absl::ResourceExhaustedError(
        "no descriptor is free (ulimit -n) to open a database; try again when others have ended their calls, "
        "or let the process have more");
  }
  // The connection keeps the words of its last call only; a bind that failed earlier has but its code left.
  const bool is_last = sqlite3_extended_errcode(handle) == result;
  const char* words = is_last ? sqlite3_errmsg(handle) : sqlite3_errstr(result);
  return absl::Status(CodeOf(result, handle), absl::StrCat("database ", path, ": ", words));
}

absl::Status StatementError(int result, sqlite3_stmt* statement) {
  sqlite3* handle = sqlite3_db_handle(statement);
  const char* path = sqlite3_db_filename(handle, "main");
  return SqliteError(result, handle, path == nullptr ? "" : path);
}

bool Exists(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// What a writer that was killed left: without it the main file alone is not the truth.
bool HasPendingLog(const std::filesystem::path& database) {
  for (const char* log : {"-wal", "-journal"}) {
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(database.string() + log, error);
    if (!error && size > 0) return true;
  }
  return false;
}

std::string ImmutableUri(const std::filesystem::path& path) {
  const std::string escaped = absl::StrReplaceAll(path.string(), {{"%", "%25"}, {"?", "%3f"}, {"#", "%23"}});
  return absl::StrCat("file:", escaped, "?immutable=1");
}

}  // namespace

Statement& Statement::Bind(int index, int64_t value) {
  return KeepError(sqlite3_bind_int64(statement_.get(), index, value));
}

Statement& Statement::Bind(int index, double value) {
  return KeepError(sqlite3_bind_double(statement_.get(), index, value));
}

Statement& Statement::Bind(int index, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();  // a null pointer would bind NULL
  return KeepError(
      sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::BindNull(int index) { return KeepError(sqlite3_bind_null(statement_.get(), index)); }

Statement& Statement::KeepError(int result) {
  if (bind_error_ == SQLITE_OK) bind_error_ = result;
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) return StatementError(bind_error_, statement_.get());
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return StatementError(result, statement_.get());
}

absl::Status Statement::Run() {
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool has_row, Step());
    if (!has_row) return absl::OkStatus();
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());  // repeats the last Step's error, which Step has reported
  sqlite3_clear_bindings(statement_.get());
  bind_error_ = SQLITE_OK;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }

double Statement::Double(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return "";
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(bytes));
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenWith(const std::string& name, int flags,
                                                             const std::filesystem::path& path,
                                                             const std::string& setup) {
  sqlite3* handle = nullptr;
  const int result =
      sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path));  // SQLite gives a handle also when it fails
  if (result != SQLITE_OK) return SqliteError(result, handle, path.string());
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  database->KeepLog(true);  // One that turns out to be damaged is closed as it is.
  MAE_RETURN_IF_ERROR(database->Execute(setup));
  return database;
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenReadOnly(const std::filesystem::path& path) {
  if (!Exists(path)) return absl::NotFoundError(absl::StrCat("database ", path.string(), ": no such file"));
  // Reading the schema is what finds damage and missing rights; opening alone touches nothing.
  // Each reader has a cache of its own, of 2 MiB if it is let; there are as many readers as watches.
  const std::string setup =
      "PRAGMA query_only=ON; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-128; PRAGMA schema_version;";
  auto database = OpenWith(path.string(), SQLITE_OPEN_READONLY, path, setup);
  if (absl::IsPermissionDenied(database.status()) && HasPendingLog(path)) {
    // SQLite takes back the half of a transaction that a killed writer left, but not over this connection.
    database = OpenWith(path.string(), SQLITE_OPEN_READWRITE, path, setup);
  }
  if (!database.ok() && !absl::IsDataLoss(database.status()) && !HasPendingLog(path)) {
    // A reader of a WAL database needs its -shm file. The last writer to close took it away, and where the
    // folder is not ours to write it cannot be made again; but then all there is stands in the main file.
    database = OpenWith(ImmutableUri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, path, setup);
  }
  return database;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::filesystem::path& path, Mode mode) {
  if (mode == Mode::kReadOnly) return OpenReadOnly(path);
  MAE_ASSIGN_OR_RETURN(auto database,
                       OpenWith(path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, path,
                                "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA schema_version;"));
  MAE_ASSIGN_OR_RETURN(const bool is_new, database->IsEmpty());
  if (is_new && mode == Mode::kReadWrite) MAE_RETURN_IF_ERROR(database->Execute("PRAGMA journal_mode=WAL"));
  database->KeepLog(false);
  return database;
}

absl::StatusOr<bool> Database::IsEmpty() {
  MAE_ASSIGN_OR_RETURN(Statement query, Prepare("SELECT count(*) FROM sqlite_schema"));
  MAE_RETURN_IF_ERROR(query.Step().status());
  return query.Int(0) == 0;
}

Database::~Database() { sqlite3_close_v2(handle_); }

absl::Status Database::Execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? absl::OkStatus() : SqliteError(result, handle_, path_.string());
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (result != SQLITE_OK) return SqliteError(result, handle_, path_.string());
  return Statement(statement);
}

absl::Status Database::Transaction(const std::function<absl::Status()>& body) {
  MAE_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  // A full disk makes SQLite roll back by itself; then there is nothing left to undo.
  absl::Cleanup roll_back = [this] {
    if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  };
  MAE_RETURN_IF_ERROR(body());
  return Execute("COMMIT");
}

absl::Status Database::CheckWhole() {
  const absl::Status whole = CheckPages();
  if (absl::IsDataLoss(whole)) KeepLog(true);
  return whole;
}

void Database::KeepLog(bool keep) {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int{keep}, nullptr);
}

absl::Status Database::CheckPages() {
  MAE_ASSIGN_OR_RETURN(Statement check, Prepare("PRAGMA quick_check(1)"));
  MAE_RETURN_IF_ERROR(check.Step().status());
  const std::string found = check.Text(0);
  if (found == "ok") return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("database ", path_.string(), " is damaged: ", found));
}

int64_t Database::last_insert_rowid() const { return sqlite3_last_insert_rowid(handle_); }

}  // namespace mae
