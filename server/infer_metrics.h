#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "serving/batch_queue.h"
#include "serving/cached_predictor.h"

namespace mae {

/// What the inference service tells of each request, and the models of each batch; server/metrics.h turns it
/// into mae_infer_* series. Thread-safe.
class InferMetrics {
 public:
  virtual ~InferMetrics() = default;

  /// A request has ended.
  /// @param model name without version; empty where none was resolved (an unknown name never becomes a
  /// label).
  /// @param version 0 where none was resolved.
  /// @param method "Reconstruct", "Classify" or "Embed"; empty where only the model could have told.
  virtual void Record(std::string_view model, int64_t version, std::string_view method, absl::StatusCode code,
                      absl::Duration duration) = 0;

  /// A model has run a batch of them.
  virtual void RecordBatch(std::string_view model, int64_t version, const BatchRecord& batch) = 0;

  /// A request has looked for its answer among those that were given before.
  virtual void RecordLookup(std::string_view model, int64_t version, const CacheLookup& lookup) = 0;
};

}  // namespace mae
