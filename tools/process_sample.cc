#include "tools/process_sample.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace mae {

absl::StatusOr<ProcessSample> SampleProcess(int64_t pid) {
  const std::filesystem::path folder = absl::StrCat("/proc/", pid);
  ProcessSample sample;
  std::ifstream status(folder / "status");
  for (std::string key; status >> key; status.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    if (key == "VmRSS:") status >> sample.resident_kib;
    if (key == "Threads:") status >> sample.threads;
  }
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder / "fd", error), end; !error && entry != end;
       entry.increment(error)) {
    ++sample.descriptors;
  }
  if (sample.threads == 0) return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  return sample;
}

}  // namespace mae
