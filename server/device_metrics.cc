#include "server/device_metrics.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/host_metrics.h"
#include "server/metric_families.h"

namespace mae {
namespace {

// Of NVML's stable interface (docs.nvidia.com/deploy/nvml-api), which has no header without the toolkit.
using NvmlDevice = void*;
struct NvmlMemory {
  unsigned long long total, free, used;  // bytes
};
struct NvmlUtilization {
  unsigned gpu, memory;  // per cent of the time
};
constexpr int kNvmlSuccess = 0, kNvmlTemperatureGpu = 0;
constexpr unsigned kMostDevices = 64;

constexpr char kUsedHelp[] = "Memory of the device that is in use, by any program.";
constexpr char kTotalHelp[] = "Memory of the device.";

void AddCpu(MetricFamilies& families) {
  const auto memory = ReadHostMemory();
  if (!memory) return;
  const MetricFamilies::Labels labels = {{"device", "cpu"}, {"name", "cpu"}};
  families.Add("mae_device_memory_total_bytes", kTotalHelp, labels, memory->total);
  families.Add("mae_device_memory_used_bytes", kUsedHelp, labels, memory->total - memory->available);
}

}  // namespace

// NVIDIA's libnvidia-ml, which comes with the driver.
class DeviceMetrics::Driver {
 public:
  // Null where there is none, or it does not work.
  static std::unique_ptr<const Driver> Open(const char* name) {
    void* const library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) return nullptr;
    std::unique_ptr<Driver> driver(new Driver(library));
    return driver->Load() ? std::move(driver) : nullptr;
  }
  ~Driver() {
    if (started_) shutdown_();
    dlclose(library_);
  }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void Add(MetricFamilies& families) const {
    unsigned count = 0;
    if (count_(&count) != kNvmlSuccess) return;
    for (unsigned i = 0; i < std::min(count, kMostDevices); ++i) {
      NvmlDevice device = nullptr;
      if (device_(i, &device) == kNvmlSuccess) AddDevice(i, device, families);
    }
  }

 private:
  explicit Driver(void* library) : library_(library) {}

  template <typename Function>
  bool Find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    return function != nullptr;
  }

  bool Load() {
    int (*start)() = nullptr;
    if (!Find("nvmlInit_v2", start) || !Find("nvmlShutdown", shutdown_) ||
        !Find("nvmlDeviceGetCount_v2", count_) || !Find("nvmlDeviceGetHandleByIndex_v2", device_) ||
        !Find("nvmlDeviceGetName", name_) || !Find("nvmlDeviceGetMemoryInfo", memory_) ||
        !Find("nvmlDeviceGetUtilizationRates", utilization_) ||
        !Find("nvmlDeviceGetTemperature", temperature_)) {
      return false;
    }
    started_ = start() == kNvmlSuccess;
    return started_;
  }

  void AddDevice(unsigned index, NvmlDevice device, MetricFamilies& families) const {
    std::array<char, 96> name = {};
    if (name_(device, name.data(), name.size()) != kNvmlSuccess) name[0] = '\0';
    const MetricFamilies::Labels labels = {{"device", absl::StrCat("cuda:", index)}, {"name", name.data()}};
    if (NvmlMemory memory = {}; memory_(device, &memory) == kNvmlSuccess) {
      families.Add("mae_device_memory_total_bytes", kTotalHelp, labels, static_cast<double>(memory.total));
      families.Add("mae_device_memory_used_bytes", kUsedHelp, labels, static_cast<double>(memory.used));
    }
    if (NvmlUtilization share = {}; utilization_(device, &share) == kNvmlSuccess) {
      families.Add("mae_device_utilization_ratio", "Share of the last moments in which a kernel ran, 0 to 1.",
                   labels, share.gpu / 100.0);
    }
    if (unsigned degrees = 0; temperature_(device, kNvmlTemperatureGpu, &degrees) == kNvmlSuccess)
      families.Add("mae_device_temperature_celsius", "Temperature of the device.", labels, degrees);
  }

  void* const library_;
  bool started_ = false;
  int (*shutdown_)() = nullptr;
  int (*count_)(unsigned*) = nullptr;
  int (*device_)(unsigned, NvmlDevice*) = nullptr;
  int (*name_)(NvmlDevice, char*, unsigned) = nullptr;
  int (*memory_)(NvmlDevice, NvmlMemory*) = nullptr;
  int (*utilization_)(NvmlDevice, NvmlUtilization*) = nullptr;
  int (*temperature_)(NvmlDevice, int, unsigned*) = nullptr;
};

DeviceMetrics::DeviceMetrics(const char* driver) : driver_(Driver::Open(driver)) {}
DeviceMetrics::~DeviceMetrics() = default;

std::vector<prometheus::MetricFamily> DeviceMetrics::Collect() const {
  MetricFamilies families;
  AddCpu(families);
  if (driver_ != nullptr) driver_->Add(families);
  return families.Take();
}

}  // namespace mae
