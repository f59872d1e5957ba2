#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "mae/v1/job.grpc.pb.h"

namespace mae {

/// Streams of one job's events that come and go: each begins again after the last event that it had, and no
/// event may be missing or come twice. Thread-safe.
class JobWatchers {
 public:
  struct Counts {
    int64_t events = 0;
    int64_t out_of_order = 0;  ///< events whose sequence was not the next
    int64_t broken = 0;        ///< streams that ended by themselves
    std::string error;         ///< of the last of those
  };

  /// @param stub outlives it.
  JobWatchers(v1::JobService::Stub& stub, std::string job, int64_t streams);
  /// Ends them all, and waits for that.
  ~JobWatchers();

  /// Ends the `count` oldest streams, and begins again those that have ended before.
  void Renew(int64_t count);
  Counts counts();

 private:
  class Stream;
  void Ended(Stream* stream, const grpc::Status& status);

  v1::JobService::Stub& stub_;
  const std::string job_;
  absl::Mutex mutex_;
  std::vector<std::shared_ptr<Stream>> under_way_ ABSL_GUARDED_BY(mutex_);  ///< oldest first
  std::vector<int64_t> ended_ ABSL_GUARDED_BY(mutex_);  ///< last sequence of those to begin again
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
