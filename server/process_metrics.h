#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace mae {

/// The process_* series that every Prometheus client has, of this process, read from /proc when they are
/// scraped: CPU seconds, memory, descriptors, threads, start time. What /proc does not tell is left out.
/// Thread-safe.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace mae
