#include "server/process_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace mae {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Single(const char* name, const char* help, MetricType type, double value) {
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {name, help, type, {metric}};
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

void AddCpuAndFiles(std::vector<MetricFamily>& out) {
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    out.push_back(Single("process_cpu_seconds_total", "User and system time.", MetricType::Counter,
                         Seconds(usage.ru_utime) + Seconds(usage.ru_stime)));
  }
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.push_back(Single("process_max_fds", "Limit of open descriptors.", MetricType::Gauge,
                         static_cast<double>(limit.rlim_cur)));
  }
  std::error_code error;
  double open = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    ++open;
  }
  if (!error) out.push_back(Single("process_open_fds", "Open descriptors.", MetricType::Gauge, open));
}

void AddMemory(std::vector<MetricFamily>& out) {
  std::ifstream file("/proc/self/statm");
  double pages = 0, resident = 0;
  if (!(file >> pages >> resident)) return;
  const auto page_size = static_cast<double>(sysconf(_SC_PAGESIZE));
  out.push_back(
      Single("process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge, pages * page_size));
  out.push_back(
      Single("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge, resident * page_size));
}

// Seconds since the epoch, 0 if unknown: /proc counts from boot.
double StartTime() {
  std::ifstream stat("/proc/self/stat"), machine("/proc/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  double ticks = 0, boot = 0;
  constexpr int kFieldsFromState = 19;  // start time is field 22, state field 3
  size_t at = text.rfind(')');
  for (int i = 0; i <= kFieldsFromState && at != std::string::npos; ++i) at = text.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  ticks = std::stod(text.substr(at));
  for (std::string key; machine >> key;) {
    if (key == "btime" && machine >> boot) break;
  }
  return boot == 0 ? 0 : boot + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  std::vector<MetricFamily> out;
  AddCpuAndFiles(out);
  AddMemory(out);
  if (const double start = StartTime(); start > 0) {
    out.push_back(Single("process_start_time_seconds", "Start of the process, seconds since 1970.",
                         MetricType::Gauge, start));
  }
  return out;
}

}  // namespace mae
