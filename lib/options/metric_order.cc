#include "options/metric_order.h"

#include <cmath>

namespace mae {

MetricOrder MetricOrderOf(absl::string_view metric) {
  if (metric == "accuracy" || metric == "top5_accuracy") return MetricOrder::kLargerBetter;
  return metric == "validation_loss" ? MetricOrder::kSmallerBetter : MetricOrder::kNone;
}

bool IsBetter(MetricOrder order, double value, double than) {
  if (order == MetricOrder::kNone || !std::isfinite(value) || !std::isfinite(than)) return false;
  return order == MetricOrder::kLargerBetter ? value > than : value < than;
}

}  // namespace mae
