#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/job_ledger.h"
#include "server/job_table.h"

namespace mae {

/// The series of jobs, read when they are scraped: mae_jobs{state} of all, and of each job that is active
/// mae_job_info and mae_train_* with labels job, kind and model. A job that ended is gone from the scrape, so
/// labels don't pile up. Thread-safe; blocks on the disk.
class JobMetrics final : public prometheus::Collectable {
 public:
  /// @param ledger, table outlive it.
  JobMetrics(const JobLedger& ledger, const JobTable& table) : ledger_(ledger), table_(table) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const JobLedger& ledger_;
  const JobTable& table_;
};

}  // namespace mae
