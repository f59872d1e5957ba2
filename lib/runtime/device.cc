#include "runtime/device.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sched.h>
#include <torch/cuda.h>
#include <torch/version.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "kernels/cpu_features.h"

namespace mae {
namespace {

std::string CpuModel() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const auto colon = line.find(": ");
    if (absl::StartsWith(line, "model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

DeviceInfo Cpu() {
  return {"cpu", absl::StrCat(CpuModel(), ", ", UsableCores(), " cores"),
          int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE)};
}

// The driver's own library tells name and memory without a context (which would hold hundreds of MB of the
// device) and without CUDA headers. Its C interface is stable; a device it can't describe is still listed.
void DescribeCuda(int index, DeviceInfo& info) {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) return;
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  const auto get = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
  const auto name = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName"));
  const auto memory = reinterpret_cast<int (*)(size_t*, int)>(dlsym(driver, "cuDeviceTotalMem_v2"));
  int device = 0;
  if (init != nullptr && get != nullptr && name != nullptr && memory != nullptr && init(0) == 0 &&
      get(&device, index) == 0) {
    std::array<char, 256> text{};
    size_t bytes = 0;
    if (name(text.data(), static_cast<int>(text.size()), device) == 0) info.description = text.data();
    if (memory(&bytes, device) == 0) info.memory_bytes = static_cast<int64_t>(bytes);
  }
  dlclose(driver);
}

}  // namespace

std::vector<DeviceInfo> ListDevices() {
  std::vector<DeviceInfo> devices = {Cpu()};
  const int count = torch::cuda::device_count();
  for (int i = 0; i < count; ++i) {
    devices.push_back({absl::StrCat("cuda:", i), "CUDA device", 0});
    DescribeCuda(i, devices.back());
  }
  return devices;
}

absl::StatusOr<std::string> ResolveDevice(const std::string& requested) {
  const int count = torch::cuda::device_count();
  if (requested == "cpu" || (requested == "auto" && count == 0)) return "cpu";
  if (requested == "auto") return "cuda:0";
  int index = 0;
  absl::string_view rest = requested;
  const bool known = absl::ConsumePrefix(&rest, "cuda") &&
                     (rest.empty() || (absl::ConsumePrefix(&rest, ":") &&
                                       rest.find_first_not_of("0123456789") == absl::string_view::npos &&
                                       absl::SimpleAtoi(rest, &index)));
  if (!known) {
    return absl::InvalidArgumentError(
        absl::StrCat("device: \"", requested, "\" is not one of auto, cpu, cuda, cuda:N"));
  }
  if (index < count) return absl::StrCat("cuda:", index);
  const auto names = absl::StrJoin(ListDevices(), ", ", [](std::string* out, const DeviceInfo& device) {
    absl::StrAppend(out, device.name);
  });
  return absl::FailedPreconditionError(absl::StrCat("device: there is no ", requested, " here; LibTorch ",
                                                    LibTorchVersion(), " can use: ", names));
}

bool HasFastBf16(const std::string& resolved) { return resolved != "cpu" || HasAvx512Bf16(); }

int64_t UsableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return std::max<int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN));
}

void SetComputeThreads(int64_t threads) {
  at::set_num_threads(static_cast<int>(threads > 0 ? threads : UsableCores()));
}

std::string LibTorchVersion() { return TORCH_VERSION; }

}  // namespace mae
