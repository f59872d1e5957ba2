#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "serving/model_store.h"

namespace mae {

/// mae_model_loaded{model,version} is 1 for each version that is in memory, read when it is scraped: the
/// series goes with the model. mae_response_cache_bytes likewise. Thread-safe.
class ModelMetrics final : public prometheus::Collectable {
 public:
  /// @param store outlives it.
  explicit ModelMetrics(const ModelStore& store) : store_(store) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const ModelStore& store_;
};

}  // namespace mae
