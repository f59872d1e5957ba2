#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "serving/live_predictors.h"
#include "serving/predictor.h"

namespace mae {

/// Whether an error says that there is no room for a model until somebody unpins another or changes the
/// settings: of no use to try again by itself.
bool LeavesNoRoom(const absl::Status& status);

/// The predictors that are in memory; the one used longest ago makes room for the next, unless it is pinned.
/// Thread-safe. A predictor that was dropped here lives for as long as somebody holds it.
class PredictorCache {
 public:
  using Load = std::function<absl::StatusOr<std::unique_ptr<Predictor>>(const std::string& key)>;
  using Size = std::function<int64_t(const std::string& key)>;

  /// What is kept; more only while it loads.
  struct Limits {
    int64_t models = 4;  ///< at least 1
    int64_t bytes = 0;   ///< 0: any number
  };

  /// @param load blocks until one is in memory; called without a lock, also for several keys at once.
  /// @param size_of bytes that a predictor will take; called without a lock. Null: 0.
  PredictorCache(Limits limits, Load load, Size size_of = nullptr);

  /// The predictor of a key, loaded if need be; blocks. Callers that ask for a key while it loads wait for
  /// that load and share its outcome; an error is not kept, so that the next call tries again.
  /// @param pin whether it is pinned from now on; nothing: as it was, and not if it is loaded now.
  /// @return RESOURCE_EXHAUSTED if what is pinned leaves no room, or it is larger than all room (both
  /// LeavesNoRoom); errors of the load.
  absl::StatusOr<std::shared_ptr<const Predictor>> Acquire(const std::string& key,
                                                           std::optional<bool> pin = std::nullopt)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Lets go of a predictor, pinned or not, once its load has ended if it loads: the next Acquire loads anew.
  void Drop(const std::string& key) ABSL_LOCKS_EXCLUDED(mutex_);
  /// Drop, then waits until nobody holds it. Errors of LivePredictors.
  absl::Status Unload(const std::string& key, const RequestContext& context) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Whether Acquire would return at once.
  bool IsLoaded(const std::string& key) const ABSL_LOCKS_EXCLUDED(mutex_);
  bool IsPinned(const std::string& key) const ABSL_LOCKS_EXCLUDED(mutex_);
  /// The keys that are loaded, sorted.
  std::vector<std::string> Loaded() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    const int64_t bytes = 0;
    bool loading = true;
    bool pinned = false;
    absl::StatusOr<std::shared_ptr<const Predictor>> predictor = absl::UnavailableError("loading");
    int64_t last_used = 0;
  };
  using Entries = std::map<std::string, std::shared_ptr<Entry>>;
  // What is let go of while the lock is held; its memory goes after that.
  using Dropped = std::vector<std::shared_ptr<Entry>>;

  std::shared_ptr<Entry> Use(const std::string& key, std::optional<bool> pin)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<const Predictor>> Wait(Entry& entry) const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckRoom(int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom(size_t models, int64_t bytes, Dropped& dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom(size_t models, int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<const Predictor>> LoadInto(const std::string& key,
                                                            const std::shared_ptr<Entry>& entry)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const Limits limits_;
  const Load load_;
  const Size size_of_;
  LivePredictors live_;
  mutable absl::Mutex mutex_;
  int64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  // Entries are shared with those who wait for them.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
