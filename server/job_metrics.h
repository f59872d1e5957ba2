#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "job/job_db.h"
#include "server/job_ledger.h"
#include "server/job_table.h"
#include "server/metric_families.h"

namespace mae {

/// The series of jobs, read when they are scraped: mae_jobs{state} of all; and of each job that is active, or
/// ended less than `ended_for` ago, mae_job_* and mae_train_* with labels job, kind and model. Of more than
/// `max_jobs` of those only the newest have series, active ones first; mae_jobs_without_series counts the
/// others. Thread-safe; blocks on the disk.
class JobMetrics final : public prometheus::Collectable {
 public:
  struct Options {
    absl::Duration ended_for = absl::Minutes(10);
    int64_t max_jobs = 100;  ///< at least 1
  };

  /// @param ledger, table outlive it.
  JobMetrics(Options options, JobLedger& ledger, const JobTable& table)
      : options_(options), ledger_(ledger), table_(table) {}
  std::vector<prometheus::MetricFamily> Collect() const override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Status AddJobs(absl::Time now, MetricFamilies& families) const;
  absl::StatusOr<JobSummary> SummaryOf(const JobRecord& record) const ABSL_LOCKS_EXCLUDED(mutex_);
  void Forget(const std::vector<JobRecord>& but) const ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  JobLedger& ledger_;
  const JobTable& table_;
  mutable absl::Mutex mutex_;
  /// What ended jobs came to, by id and end, which no later scrape needs to read again; at most max_jobs.
  mutable std::map<std::pair<std::string, absl::Time>, JobSummary> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
