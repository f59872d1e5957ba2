#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace mae {

/// A prepared statement: bind from 1, then Step through the rows. Owned by the caller, must not outlive its Database.
/// Not thread-safe.
class Statement {
 public:
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view value);  ///< copied
  Statement& BindNull(int index);

  /// true: a row is there; false: done. Errors of Database::Execute, also of an earlier Bind.
  absl::StatusOr<bool> Step();
  /// Runs to the end, ignoring rows.
  absl::Status Run();
  /// Ready to be bound and stepped again.
  void Reset();

  int64_t Int(int column) const;
  double Double(int column) const;
  std::string Text(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement, &sqlite3_finalize) {}
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int bind_error_ = SQLITE_OK;
};

/// One SQLite connection, WAL, foreign keys on, busy_timeout 5 s. SQLite errors become Status: full disk
/// RESOURCE_EXHAUSTED, corruption DATA_LOSS, a broken constraint ALREADY_EXISTS, busy UNAVAILABLE, a read-only file
/// PERMISSION_DENIED, else INTERNAL; the message has the path and SQLite's words.
/// Not thread-safe: the owner guards it.
class Database {
 public:
  enum class Mode {
    kReadWrite,  ///< makes the file; synchronous=FULL
    kReadOnly,   ///< never writes or checkpoints; NOT_FOUND if there is no file
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
  int64_t last_insert_rowid() const;

 private:
  Database(sqlite3* handle, std::filesystem::path path) : handle_(handle), path_(std::move(path)) {}
  sqlite3* handle_;
  std::filesystem::path path_;
};

}  // namespace mae
