#include "server/model_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <string>

namespace mae {

std::vector<prometheus::MetricFamily> ModelMetrics::Collect() const {
  prometheus::MetricFamily family;
  family.name = "mae_model_loaded";
  family.help = "1 while the version is in memory.";
  family.type = prometheus::MetricType::Gauge;
  for (const auto& [model, version] : store_.Loaded()) {
    prometheus::ClientMetric metric;
    metric.label = {{"model", model}, {"version", std::to_string(version)}};
    metric.gauge.value = 1;
    family.metric.push_back(std::move(metric));
  }
  prometheus::MetricFamily cached;
  cached.name = "mae_response_cache_bytes";
  cached.help = "What the answers take that are kept for requests that ask the same again.";
  cached.type = prometheus::MetricType::Gauge;
  cached.metric.emplace_back().gauge.value = static_cast<double>(store_.CachedBytes());
  return {std::move(family), std::move(cached)};
}

}  // namespace mae
