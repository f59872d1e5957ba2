#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <vector>

namespace mae {

/// mae_device_memory_total_bytes, mae_device_memory_used_bytes, mae_device_utilization_ratio (0 to 1) and
/// mae_device_temperature_celsius of each NVIDIA GPU of the machine, by the driver's own library, whatever
/// program uses it; of device "cpu" the memory. Labels: device (cuda:N in the driver's order, which
/// CUDA_VISIBLE_DEVICES does not change) and name. Without a driver there is only "cpu". Thread-safe; makes
/// no CUDA context.
class DeviceMetrics final : public prometheus::Collectable {
 public:
  /// @param driver the library's name, for dlopen.
  explicit DeviceMetrics(const char* driver = "libnvidia-ml.so.1");
  ~DeviceMetrics() override;
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  class Driver;
  const std::unique_ptr<const Driver> driver_;
};

}  // namespace mae
