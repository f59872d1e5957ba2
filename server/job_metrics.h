#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/job_ledger.h"
#include "server/job_summaries.h"
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

  /// @param ledger, table, summaries outlive it.
  JobMetrics(Options options, JobLedger& ledger, const JobTable& table, JobSummaries& summaries)
      : options_(options), ledger_(ledger), table_(table), summaries_(summaries) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  absl::Status AddJobs(absl::Time now, MetricFamilies& families) const;

  const Options options_;
  JobLedger& ledger_;
  const JobTable& table_;
  JobSummaries& summaries_;
};

}  // namespace mae
