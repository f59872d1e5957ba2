#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/status/status.h"
#include "base/sqlite.h"

namespace mae {

/// Of mae.db, in its `PRAGMA user_version`; 0 is what was written before it had one. Goes up with every
/// change that `CREATE TABLE IF NOT EXISTS` does not make by itself.
constexpr int64_t kDatabaseVersion = 1;

/// Brings the tables of mae.db, at `path`, to kDatabaseVersion, in one transaction and forwards only. A
/// database that has tables is copied first, to `path` + ".version-N" of the version that it had, durably. A
/// new one is only given its number. FAILED_PRECONDITION for a database of a later version, which is left as
/// it is. Call before anything else uses the database; not thread-safe.
absl::Status UpgradeDatabase(Database& database, const std::filesystem::path& path);

}  // namespace mae
