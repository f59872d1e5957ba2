#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace mae {

/// A prepared statement: bind from 1, then Step through the rows. Owned by the caller, must not outlive its
/// Database. Not thread-safe.
class Statement {
 public:
  Statement& Bind(int index, int64_t value);
  template <std::integral Integer>
  Statement& Bind(int index, Integer value) {
    return Bind(index, static_cast<int64_t>(value));
  }
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view value);  ///< copied
  Statement& BindNull(int index);

  /// true: a row is there; false: done. Errors of Database::Execute, also of an earlier Bind.
  absl::StatusOr<bool> Step();
  /// Runs to the end, ignoring rows.
  absl::Status Run();
  /// Ready to be bound (all parameters are NULL again) and stepped again.
  void Reset();

  int64_t Int(int column) const;
  double Double(int column) const;
  std::string Text(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement, &sqlite3_finalize) {}
  Statement& KeepError(int result);
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int bind_error_ = SQLITE_OK;
};

/// One SQLite connection, foreign keys on, busy_timeout 5 s. SQLite errors become Status: full disk
/// RESOURCE_EXHAUSTED, corruption DATA_LOSS, a broken constraint ALREADY_EXISTS, busy UNAVAILABLE, a file
/// that may not be read or written PERMISSION_DENIED, no such folder NOT_FOUND, else INTERNAL; the message
/// has the path and SQLite's words. One process at a time may write a database (SQLite before 3.51.3 can
/// damage a log that two connections write or checkpoint at once); any number may read it meanwhile. Not
/// thread-safe: the owner guards it. Not for use across fork.
class Database {
 public:
  enum class Mode {
    kReadWrite,  ///< makes the file, in WAL mode; synchronous=FULL. A file that is there keeps its mode.
    /// Makes the file with a rollback journal: WAL keeps an index in memory that processes of one machine
    /// alone share, so that those of another read what is old. Needs a file system with locks.
    kReadWriteOfSeveralMachines,
    /// Never writes or checkpoints, but takes back the half transaction of a writer of several machines that
    /// was killed; NOT_FOUND if there is no file. Also works in a folder that may not be written, unless a
    /// writer that crashed left a log there.
    kReadOnly,
  };
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::filesystem::path& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs SQL without results, may be several statements.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  /// BEGIN IMMEDIATE, body, COMMIT; ROLLBACK if the body or the commit fails.
  absl::Status Transaction(const std::function<absl::Status()>& body);
  /// Reads every page. DATA_LOSS with the path and SQLite's first finding if they do not fit together; a
  /// damage that keeps a page's form is not found. Then closing does not work the log that a writer which was
  /// killed left into the file, as it does otherwise: both stay as they are.
  absl::Status CheckWhole();
  int64_t last_insert_rowid() const;

 private:
  static absl::StatusOr<std::unique_ptr<Database>> OpenWith(const std::string& name, int flags,
                                                            const std::filesystem::path& path,
                                                            const std::string& setup);
  static absl::StatusOr<std::unique_ptr<Database>> OpenReadOnly(const std::filesystem::path& path);
  absl::StatusOr<bool> IsEmpty();
  absl::Status CheckPages();
  /// Whether closing leaves a write-ahead log where it is.
  void KeepLog(bool keep);
  Database(sqlite3* handle, std::filesystem::path path) : handle_(handle), path_(std::move(path)) {}
  sqlite3* handle_;
  std::filesystem::path path_;
};

}  // namespace mae
