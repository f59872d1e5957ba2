#include "server/metric_families.h"

#include <prometheus/metric_type.h>

#include <utility>

#include "absl/strings/match.h"

namespace mae {

void MetricFamilies::Add(const std::string& name, const std::string& help, Labels labels, double value) {
  const bool counts = absl::EndsWith(name, "_total");
  prometheus::MetricFamily& family = families_[name];
  if (family.name.empty()) {
    family.name = name;
    family.help = help;
    family.type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  }
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  (counts ? metric.counter.value : metric.gauge.value) = value;
}

std::vector<prometheus::MetricFamily> MetricFamilies::Take() {
  std::vector<prometheus::MetricFamily> all;
  for (auto& [name, family] : families_) all.push_back(std::move(family));
  families_.clear();
  return all;
}

}  // namespace mae
