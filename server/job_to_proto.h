#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "job/job_db.h"
#include "mae/v1/job.pb.h"
#include "server/job_record.h"

/// A job, its events and series as messages. Pure functions.
namespace mae {

google::protobuf::Timestamp ToProto(absl::Time time);

v1::Job::State ToProto(JobState state);
/// INVALID_ARGUMENT for STATE_UNSPECIFIED and unknown numbers.
absl::StatusOr<JobState> FromProto(v1::Job::State state);

/// The spec of a row. DATA_LOSS if it can't be read; a field that a newer server wrote is skipped.
absl::StatusOr<v1::JobSpec> SpecOf(const JobRecord& record);

/// @param record up to date (server/job_ledger.h). @param summary of its job.db.
/// The queue's fields (pending_reason, queue_position) stay unset.
v1::Job ToProto(const JobRecord& record, const JobSummary& summary);

/// How an event is shown, as far as the row decides it.
struct EventView {
  const JobRecord& record;

  /// A success that is still being published: neither it nor later events may be shown yet.
  bool Holds(const JobEvent& event) const;
  /// Pictures come without their bytes. A success that was never published, because that failed or the job
  /// was resumed, is shown as a log line: the job did not succeed then.
  v1::JobEvent Show(const JobEvent& event) const;
};

v1::MetricPoint ToProto(const MetricPoint& point);

}  // namespace mae
