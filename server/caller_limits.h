#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mae {

/// How much one caller may ask for: calls a second (a bucket that holds one second's worth) and calls under
/// way. What is known of a caller who has none under way and asks for nothing is forgotten again, so there
/// are never more callers in memory than tokens and certificates have names. Thread-safe; never waits.
class CallerLimits {
 public:
  struct Settings {
    int64_t calls_per_second = 0;  ///< 0: any number
    int64_t concurrent_calls = 0;  ///< 0: any number. Those that begin at the same instant may pass it.
  };

  explicit CallerLimits(Settings settings) : settings_(settings) {}

  /// Takes one call out of the bucket. RESOURCE_EXHAUSTED names the limit, and when to try again.
  absl::Status Admit(const std::string& identity, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  /// A call of that caller is under way from Begin to End.
  void Begin(const std::string& identity) ABSL_LOCKS_EXCLUDED(mutex_);
  void End(const std::string& identity) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Of how many callers something is known.
  size_t callers() const ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    return usage_.size();
  }

 private:
  struct Usage {
    double tokens = 0;
    absl::Time filled = absl::InfinitePast();
    int64_t under_way = 0;
  };
  absl::Status Take(Usage& usage, absl::Time now) const;
  void Forget(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Settings settings_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Usage> usage_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
