#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/infer_metrics.h"

namespace mae {

/// What was counted of one version of a model since the server started.
struct ModelCounts {
  struct Timed {
    int64_t count = 0;
    absl::Duration time;  ///< of all of them together
    void Add(int64_t times, absl::Duration all) {
      count += times;
      time += all;
    }
  };
  Timed success, fail;  ///< requests, from the thread that took them up to their answer or error
  Timed input;          ///< answered requests: inputs read and pictures decoded
  Timed queue;          ///< requests that ran: from when their images were ready until their batch began
  Timed infer;          ///< requests that ran: the forward pass of the whole batch that they were in
  Timed output;         ///< answered requests: the predictor's answer made into a message, pictures drawn
  Timed hit;            ///< requests whose answer was kept from an earlier one: they have no queue and infer
  Timed miss;           ///< requests that looked for one in vain
  // Between input and queue a model is loaded and pictures are brought to its size; no phase holds that.
  int64_t images = 0;   ///< that ran
  int64_t batches = 0;  ///< that they ran in
  /// What the model took for an image of late: the newest batches count by their images.
  absl::Duration image_time;
  absl::Time last_request = absl::UnixEpoch();
};

/// Counts for those who ask over gRPC what Prometheus is told too: everything goes on to `next`. One entry a
/// version that was resolved, so there are no more of them than published versions. Thread-safe.
class InferStatistics final : public InferMetrics {
 public:
  /// A model's name without version, and the version.
  using Key = std::pair<std::string, int64_t>;

  /// @param next outlives this.
  explicit InferStatistics(InferMetrics& next) : next_(next) {}

  void Record(std::string_view model, int64_t version, std::string_view method, absl::StatusCode code,
              absl::Duration duration) override;
  void RecordBatch(std::string_view model, int64_t version, const BatchRecord& batch) override;
  void RecordLookup(std::string_view model, int64_t version, const CacheLookup& lookup) override;
  /// Of a request that was answered.
  void RecordPhases(std::string_view model, int64_t version, absl::Duration input, absl::Duration output);

  /// All 0 for a version that nobody asked anything.
  ModelCounts Of(const std::string& model, int64_t version) const;
  std::map<Key, ModelCounts> All() const;
  /// `image_time` alone; 0 before the first batch.
  absl::Duration ImageTime(const std::string& model, int64_t version) const;

 private:
  InferMetrics& next_;
  mutable absl::Mutex mutex_;
  std::map<Key, ModelCounts> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
