#include "server/database_schema.h"

#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/durable_file.h"
#include "base/status_macros.h"

namespace mae {
namespace {

using Step = absl::Status (*)(Database&);

absl::StatusOr<bool> HasRow(Database& database, std::string_view query) {
  MAE_ASSIGN_OR_RETURN(Statement row, database.Prepare(query));
  return row.Step();
}

// Jobs can move aliases on a condition. Some databases without a version had the column already.
absl::Status AddAliasMoves(Database& database) {
  MAE_ASSIGN_OR_RETURN(const bool has_jobs,
                       HasRow(database, "SELECT 1 FROM sqlite_master WHERE name = 'jobs'"));
  MAE_ASSIGN_OR_RETURN(
      const bool is_there,
      HasRow(database, "SELECT 1 FROM pragma_table_info('jobs') WHERE name = 'alias_moves'"));
  if (!has_jobs || is_there) return absl::OkStatus();
  return database.Execute("ALTER TABLE jobs ADD COLUMN alias_moves TEXT NOT NULL DEFAULT '[]'");
}

constexpr Step kSteps[] = {AddAliasMoves};  // the n-th from version n
static_assert(std::size(kSteps) == kDatabaseVersion);

absl::StatusOr<int64_t> VersionOf(Database& database) {
  MAE_ASSIGN_OR_RETURN(Statement query, database.Prepare("PRAGMA user_version"));
  MAE_RETURN_IF_ERROR(query.Step().status());
  return query.Int(0);
}

absl::Status BackUp(Database& database, const std::filesystem::path& path, int64_t version) {
  const std::string backup = absl::StrCat(path.string(), ".version-", version);
  const std::string copy = backup + ".copy";
  std::error_code error;
  std::filesystem::remove(copy, error);  // of an upgrade that was interrupted; one in use fails below
  MAE_RETURN_IF_ERROR(
      database.Execute(absl::StrCat("VACUUM INTO '", absl::StrReplaceAll(copy, {{"'", "''"}}), "'")));
  MAE_ASSIGN_OR_RETURN(const std::string content, ReadFile(copy));
  std::filesystem::remove(copy, error);
  return WriteFileDurably(backup, content);
}

absl::Status RunSteps(Database& database, int64_t from) {
  for (int64_t version = from; version < kDatabaseVersion; ++version) {
    MAE_RETURN_IF_ERROR(kSteps[version](database));
  }
  return database.Execute(absl::StrCat("PRAGMA user_version = ", kDatabaseVersion));
}

}  // namespace

absl::Status UpgradeDatabase(Database& database, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(const int64_t version, VersionOf(database));
  if (version == kDatabaseVersion) return absl::OkStatus();
  if (version < 0 || version > kDatabaseVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(), " has version ", version, ", this mae_server knows ", kDatabaseVersion,
                     "; start the mae_server that wrote it, or put the ", path.filename().string(),
                     ".version-", kDatabaseVersion, " beside it back in its place"));
  }
  MAE_ASSIGN_OR_RETURN(const bool has_tables, HasRow(database, "SELECT 1 FROM sqlite_master"));
  if (has_tables) MAE_RETURN_IF_ERROR(BackUp(database, path, version));
  return database.Transaction([&] { return RunSteps(database, version); });
}

}  // namespace mae
