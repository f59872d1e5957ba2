#include "server/model_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <string>

namespace mae {

std::vector<prometheus::MetricFamily> ModelMetrics::Collect() const {
  prometheus::MetricFamily family;
  family.name = "mae_model_loaded";
  family.help = "1 while the version is in memory";
  family.type = prometheus::MetricType::Gauge;
  for (const auto& [model, version] : store_.Loaded()) {
    prometheus::ClientMetric metric;
    metric.label = {{"model", model}, {"version", std::to_string(version)}};
    metric.gauge.value = 1;
    family.metric.push_back(std::move(metric));
  }
  return {std::move(family)};
}

}  // namespace mae
