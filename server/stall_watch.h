#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"

namespace mae {

/// Ends what waits too long for somebody else: calls a function once a deadline has passed, unless it was
/// taken back before. One thread for all. Thread-safe.
class StallWatch {
 public:
  StallWatch();
  /// Calls nothing any more.
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  /// @param on_stall runs on the watch's thread, with no lock held; must not block nor call the watch.
  /// @return the number to take it back by.
  int64_t Add(absl::Duration patience, std::function<void()> on_stall) ABSL_LOCKS_EXCLUDED(mutex_);

  /// True if the function will never run. False if it ran; while it runs, waits for its end first.
  bool TakeBack(int64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    absl::Time deadline;
    std::function<void()> on_stall;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  /// Runs one function whose time has come; false if there is none.
  bool RunOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time Earliest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::map<int64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  int64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  int64_t running_ ABSL_GUARDED_BY(mutex_) = 0;  ///< 0: none
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  JoinedThread thread_;
};

}  // namespace mae
