#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/infer_statistics.h"

namespace mae {

/// Which requests are let in, before anything is decoded or waited for: for each version of a model so many
/// images at a time, and none whose deadline comes before those that were let in earlier can have run.
/// What the response cache would answer counts like any other: that shows once its pictures are decoded.
/// Thread-safe; never blocks, so gRPC's own threads may ask it.
class Admission {
 public:
  struct Limits {
    int64_t max_images = 4096;  ///< let in and not yet answered, of one version; at least 1
    int64_t passes = 1;         ///< forward passes of one model side by side; at least 1
  };

  /// The place of a request that was let in, which ends with it. Outlived by the admission.
  using Ticket = std::shared_ptr<const void>;

  using Key = std::pair<std::string, int64_t>;  ///< a model's name without version, and the version
  /// What is let in of a version and not yet answered.
  struct Load {
    int64_t requests = 0, images = 0;
  };

  /// @param statistics tell what an image takes; they outlive this.
  Admission(Limits limits, const InferStatistics& statistics) : limits_(limits), statistics_(statistics) {}

  /// RESOURCE_EXHAUSTED says which of the two it is, and has a RetryInfo. A request that finds no other is
  /// let in whatever it is.
  /// @param images that it brings, each for every ratio it is asked at and every pass it goes through, as far
  /// as that is known; less than 1 counts as 1.
  absl::StatusOr<Ticket> Admit(const std::string& model, int64_t version, int64_t images, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Of the versions that have any.
  std::map<Key, Load> Loads() const ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t max_images() const { return limits_.max_images; }

 private:
  void Leave(const Key& version, int64_t images) ABSL_LOCKS_EXCLUDED(mutex_);

  const Limits limits_;
  const InferStatistics& statistics_;
  mutable absl::Mutex mutex_;
  std::map<Key, Load> loads_ ABSL_GUARDED_BY(mutex_);  ///< of versions that have any
};

}  // namespace mae
