#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace mae {

/// The machine's memory, in bytes.
struct HostMemory {
  double total = 0;
  double available = 0;  ///< what programs can still get without swapping: also where files are kept now
};

/// Nothing where /proc does not tell. Thread-safe.
std::optional<HostMemory> ReadHostMemory();

/// What the machine has left, read from /proc and the file system when it is scraped: mae_host_* (CPU time by
/// mode, cores, load, memory) and mae_data_dir_* (the file system of the data folder). What can't be read is
/// left out. In a container /proc tells of the whole machine. Thread-safe.
class HostMetrics final : public prometheus::Collectable {
 public:
  explicit HostMetrics(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::filesystem::path data_dir_;
};

}  // namespace mae
