#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/sqlite.h"
#include "server/job_record.h"

namespace mae {

/// As the count of JobTable::List: every row.
inline constexpr int64_t kAllRows = int64_t{1} << 40;

/// The table of jobs in mae.db. Thread-safe: every call locks the database's mutex for one statement or
/// transaction, so read-modify-write needs a lock of the caller's (server/job_ledger.h). Errors are those of
/// Database.
class JobTable {
 public:
  /// Makes the table if need be.
  /// @param database, mutex outlive the table; `mutex` guards the database also for its other users.
  static absl::StatusOr<std::unique_ptr<JobTable>> Create(Database& database, absl::Mutex& mutex);

  /// Adds a row and gives it the next number, and that as its place in the queue.
  absl::Status Insert(JobRecord& record);
  /// Writes everything that changes in a job's life. NOT_FOUND if there is no such row.
  absl::Status Update(const JobRecord& record);
  absl::Status Delete(const std::string& id);

  /// NOT_FOUND names the job.
  absl::StatusOr<JobRecord> Find(const std::string& id) const;
  absl::StatusOr<std::optional<JobRecord>> FindByRequest(const std::string& request_id) const;

  /// At most `limit` jobs in one of `states` (empty: all) with a number below `before` (0: all), newest
  /// first.
  absl::StatusOr<std::vector<JobRecord>> List(int64_t before, int64_t limit,
                                              const std::vector<JobState>& states) const;
  /// At most `limit` jobs that a trainer has, and those that ended at `since` or later; the former first, of
  /// each the newest first.
  absl::StatusOr<std::vector<JobRecord>> ListActiveSince(absl::Time since, int64_t limit) const;
  /// How many there are of those.
  absl::StatusOr<int64_t> CountActiveSince(absl::Time since) const;
  /// The QUEUED job that is next; nothing if none waits.
  absl::StatusOr<std::optional<JobRecord>> NextQueued() const;
  /// A place behind all that wait.
  absl::StatusOr<int64_t> LastQueueOrder() const;
  /// QUEUED jobs with a smaller queue_order.
  absl::StatusOr<int64_t> CountQueuedBefore(int64_t queue_order) const;
  absl::StatusOr<std::map<JobState, int64_t>> CountByState() const;

 private:
  JobTable(Database& database, absl::Mutex& mutex) : database_(database), mutex_(mutex) {}
  absl::StatusOr<std::vector<JobRecord>> Select(const std::string& condition,
                                                const std::vector<std::string>& texts) const;
  absl::StatusOr<int64_t> SelectInt(const std::string& sql) const;

  Database& database_;
  absl::Mutex& mutex_;
};

}  // namespace mae
