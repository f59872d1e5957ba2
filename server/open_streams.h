#pragma once

#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mae {

/// The streams of requests that are open, for a shutdown to end: a stream that is idle would else keep the
/// server until its drain is over. Thread-safe; outlives its streams.
class OpenStreams {
 public:
  class Stream {
   public:
    /// Reads no more, and ends once what it has read is answered. Must not wait, nor end the stream at once.
    /// @return whether GoOn is to be called, until when the stream stays.
    virtual bool BeginDrain() = 0;
    virtual void GoOn() = 0;

   protected:
    ~Stream() = default;
  };

  /// @return whether the server drains: `stream` is to do so from the start.
  bool Add(Stream& stream) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(Stream& stream) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Has all streams drain, also those that are added later. Doesn't wait for their ends.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Mutex mutex_;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mae
