#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"

namespace mae {

/// Turns SIGINT and SIGTERM into a cancellation, for as long as it lives. The first signal cancels; a second
/// one ends the process as usual. At most one may exist at a time. Thread-safe.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool interrupted() const ABSL_LOCKS_EXCLUDED(mutex_);

  /// Sleeps; returns early, and true, once interrupted.
  bool WaitFor(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mutex_);

  /// What to do on the signal, on another thread, with no signal handler's limits; at once if it came
  /// already. It is not called after OnSignal(nullptr) has returned.
  void OnSignal(std::function<void()> cancel) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Listen() ABSL_LOCKS_EXCLUDED(mutex_);

  mutable absl::Mutex mutex_;
  bool interrupted_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> cancel_ ABSL_GUARDED_BY(mutex_);
  int pipe_[2];
  JoinedThread listener_;
};

}  // namespace mae
