#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"
#include "job/job_db.h"
#include "server/job_ledger.h"
#include "server/job_table.h"
#include "server/job_watch.h"

namespace mae {

/// Feeds all WatchJob streams: one thread that looks into the job.db of each watched job every `interval`,
/// and at once for a stream that has just run out of events. Thread-safe.
///
/// A stream gets each event above after_sequence once, in order. It ends OK after the last event of a job
/// that has ended; with NOT_FOUND for a job that does not exist (any more); with UNAVAILABLE and the sequence
/// to go on from when the hub closes. A trainer is never slowed: readers don't lock its database, but for one
/// of several machines, whose commits wait while a page of events is read.
class WatchHub {
 public:
  struct Limits {
    size_t streams;         ///< under way; one more ends with RESOURCE_EXHAUSTED
    int64_t message_bytes;  ///< an event with a picture that does not fit comes without its bytes
  };

  /// @param ledger, table outlive the hub.
  WatchHub(JobLedger& ledger, JobTable& table, const Limits& limits,
           absl::Duration interval = absl::Milliseconds(100));
  /// Every stream must have ended before (gRPC's Shutdown waits for them).
  ~WatchHub();

  /// A new stream, owned by gRPC. Never blocks. @param name "jobs/{job}".
  grpc::ServerWriteReactor<v1::JobEvent>* Watch(const std::string& name, int64_t after_sequence)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Ends all streams, and those to come.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Stream {
    std::weak_ptr<JobWatch> watch;
    std::string name;
    int64_t after = 0;
    std::unique_ptr<JobDbReader> reader;  ///< opened on the first look
  };

  void Loop();
  /// Moves new streams to streams_ and waits for something to do.
  bool WaitForWork() ABSL_LOCKS_EXCLUDED(mutex_);
  /// False once the stream has ended.
  bool Feed(Stream& stream);
  absl::StatusOr<std::vector<v1::JobEvent>> Look(Stream& stream, bool& has_ended);
  void Poke() ABSL_LOCKS_EXCLUDED(mutex_);

  JobLedger& ledger_;
  JobTable& table_;
  const Limits limits_;
  const absl::Duration interval_;
  std::vector<Stream> streams_;  // of the thread alone

  absl::Mutex mutex_;
  std::vector<Stream> added_ ABSL_GUARDED_BY(mutex_);
  size_t fed_ ABSL_GUARDED_BY(mutex_) = 0;  ///< how many streams_ has
  bool poked_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool destroyed_ ABSL_GUARDED_BY(mutex_) = false;
  JoinedThread thread_;
};

}  // namespace mae
