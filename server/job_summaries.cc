#include "server/job_summaries.h"

#include <map>

#include "absl/strings/match.h"
#include "base/status_macros.h"

namespace mae {

absl::StatusOr<JobSummary> JobSummaries::Of(const JobRecord& record) {
  const auto key = std::make_pair(record.id, record.ended.value_or(absl::InfiniteFuture()));
  if (record.ended) {
    const absl::MutexLock lock(&mutex_);
    if (const auto found = ended_.find(key); found != ended_.end()) return found->second;
  }
  MAE_ASSIGN_OR_RETURN(const auto reader, JobDbReader::Open(ledger_.Folder(record.id).database()));
  MAE_ASSIGN_OR_RETURN(JobSummary summary, reader->Summary());
  std::erase_if(summary.metrics.values,
                [](const auto& value) { return absl::StrContains(value.first, '/'); });
  if (record.ended) {
    const absl::MutexLock lock(&mutex_);
    if (ended_.size() >= kMostKept) ended_.clear();
    ended_[key] = summary;
  }
  return summary;
}

}  // namespace mae
