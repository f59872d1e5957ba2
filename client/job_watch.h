#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/interrupt.h"
#include "client/job_progress.h"
#include "client/job_view.h"

namespace mae {

/// Follows WatchJob to the job's last event, through the loss of its server: it connects again and goes on
/// after the last event seen, so that none is missing and none comes twice. Not thread-safe.
class JobWatch {
 public:
  /// All references must outlive the watch.
  /// @param job jobs/{job}
  /// @param after only events above this sequence; 0: from the first
  /// @param reconnect how long to try again after a loss; 0: not at all
  JobWatch(const Connection& connection, std::string job, int64_t after, absl::Duration reconnect,
           Interrupt& interrupt)
      : connection_(connection),
        job_(std::move(job)),
        sequence_(after),
        reconnect_(reconnect),
        interrupt_(interrupt) {}

  /// Blocks until the stream ends. OK once the job has ended, whatever way (see progress()).
  /// UNAVAILABLE: no server from the start, or lost for longer than `reconnect`. CANCELLED: interrupted.
  /// Others as the server answered.
  absl::Status Run(JobView& view);

  /// Sequence of the newest event seen.
  int64_t sequence() const { return sequence_; }
  const JobProgress& progress() const { return progress_; }

 private:
  absl::Status ReadStream(JobView& view);
  void Take(const v1::JobEvent& event, JobView& view);
  absl::Status WaitToRetry(const absl::Status& loss, JobView& view);
  absl::Status CheckEnd();
  void SayWhyItWaits(JobView& view);
  absl::StatusOr<v1::Job> Get() const;

  const Connection& connection_;
  const std::string job_;
  int64_t sequence_;
  const absl::Duration reconnect_;
  Interrupt& interrupt_;
  JobProgress progress_;
  bool connected_before_ = false;
  absl::Time lost_since_ = absl::InfiniteFuture();  ///< infinite future: not lost
  absl::Duration pause_ = absl::ZeroDuration();
};

}  // namespace mae
