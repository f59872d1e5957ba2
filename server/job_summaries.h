#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "job/job_db.h"
#include "server/job_ledger.h"

namespace mae {

/// What job.db says of a job, for those who ask every few seconds: of a job that has ended it is read once.
/// Without the values of single classes ("class_accuracy/LABEL"), which may be thousands.
/// Thread-safe; blocks on the disk.
class JobSummaries {
 public:
  /// @param ledger outlives it.
  explicit JobSummaries(const JobLedger& ledger) : ledger_(ledger) {}

  /// Errors of JobDbReader.
  absl::StatusOr<JobSummary> Of(const JobRecord& record) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static constexpr size_t kMostKept = 2000;

  const JobLedger& ledger_;
  absl::Mutex mutex_;
  /// By id and end: a job that is resumed ends again.
  std::map<std::pair<std::string, absl::Time>, JobSummary> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
