#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "serving/predictor.h"

namespace mae {

/// The predictors that are in memory; the one used longest ago makes room for the next. Thread-safe. A
/// predictor that was dropped here lives for as long as somebody holds it.
class PredictorCache {
 public:
  using Load = std::function<absl::StatusOr<std::unique_ptr<Predictor>>(const std::string& key)>;

  /// @param max_loaded predictors kept, at least 1; more only while that many load at once.
  /// @param load blocks until one is in memory; called without a lock, also for several keys at once.
  PredictorCache(int64_t max_loaded, Load load);

  /// The predictor of a key, loaded if need be; blocks. Callers that ask for a key while it loads wait for
  /// that load and share its outcome; an error is not kept, so that the next call tries again.
  absl::StatusOr<std::shared_ptr<const Predictor>> Acquire(const std::string& key)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Whether Acquire would return at once.
  bool IsLoaded(const std::string& key) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    bool loading = true;
    absl::StatusOr<std::shared_ptr<const Predictor>> predictor = absl::UnavailableError("loading");
    int64_t last_used = 0;
  };

  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<const Predictor>> LoadInto(const std::string& key,
                                                            const std::shared_ptr<Entry>& entry)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_loaded_;
  const Load load_;
  mutable absl::Mutex mutex_;
  int64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  // Entries are shared with those who wait for them.
  std::map<std::string, std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
