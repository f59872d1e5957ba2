#include "server/host_metrics.h"

#include <unistd.h>

#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <system_error>

#include "server/metric_families.h"

namespace mae {
namespace {

void AddCpuTimes(MetricFamilies& families) {
  std::ifstream stat("/proc/stat");
  std::string name;
  if (!(stat >> name) || name != "cpu") return;
  const auto ticks_a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  double ticks = 0;
  for (const char* mode : {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}) {
    if (!(stat >> ticks)) return;
    families.Add("mae_host_cpu_seconds_total", "Time of all cores of the machine together, by what they did.",
                 {{"mode", mode}}, ticks / ticks_a_second);
  }
}

void AddLoad(MetricFamilies& families) {
  families.Add("mae_host_cpus", "Cores of the machine.", {},
               static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
  std::ifstream file("/proc/loadavg");
  double load = 0;
  if (file >> load)
    families.Add("mae_host_load1", "Threads that ran or waited for a core or disk, over a minute.", {}, load);
}

void AddMemory(MetricFamilies& families) {
  const auto memory = ReadHostMemory();
  if (!memory) return;
  families.Add("mae_host_memory_total_bytes", "Memory of the machine.", {}, memory->total);
  families.Add("mae_host_memory_available_bytes", "Memory that programs can still get without swapping.", {},
               memory->available);
}

void AddDisk(const std::filesystem::path& folder, MetricFamilies& families) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return;
  families.Add("mae_data_dir_size_bytes", "Size of the file system that the data folder is on.", {},
               static_cast<double>(space.capacity));
  families.Add("mae_data_dir_available_bytes", "What the server may still write there.", {},
               static_cast<double>(space.available));
}

}  // namespace

std::optional<HostMemory> ReadHostMemory() {
  std::ifstream file("/proc/meminfo");
  std::map<std::string, double> kib;
  std::string key;
  double value = 0;
  while (file >> key >> value) {
    kib[key] = value;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  if (!kib.contains("MemTotal:") || !kib.contains("MemAvailable:")) return std::nullopt;
  return HostMemory{kib["MemTotal:"] * 1024, kib["MemAvailable:"] * 1024};
}

std::vector<prometheus::MetricFamily> HostMetrics::Collect() const {
  MetricFamilies families;
  AddCpuTimes(families);
  AddLoad(families);
  AddMemory(families);
  AddDisk(data_dir_, families);
  return families.Take();
}

}  // namespace mae
