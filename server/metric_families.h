#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

namespace mae {

/// Makes the families of one scrape from single values; those of one name become one family. A name that ends
/// in _total is a counter, every other a gauge. Not thread-safe.
class MetricFamilies {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  /// @param help the family's; that of the first value of a name stays.
  void Add(const std::string& name, const std::string& help, Labels labels, double value);

  /// In order of name; the object is empty afterwards.
  std::vector<prometheus::MetricFamily> Take();

 private:
  std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace mae
