#include "server/job_place.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "runtime/device.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr std::array kSlurmCommands = {"sbatch", "squeue", "scontrol", "scancel"};

bool IsOnPath(const std::string& program) {
  const char* path = std::getenv("PATH");  // nobody writes the environment of a running server
  const std::vector<std::string> folders =
      absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty());
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return access(absl::StrCat(folder, "/", program).c_str(), X_OK) == 0;
  });
}

absl::Status Missing(const std::string& field, const std::string& what) {
  return WithFieldViolations(absl::FailedPreconditionError(absl::StrCat(field, ": ", what)), {{field, what}});
}

}  // namespace

absl::Status CheckPlace(const v1::ResourceSpec& resources, const std::string& prefix) {
  if (resources.launcher() == v1::LAUNCHER_SLURM) {
    for (const char* command : kSlurmCommands) {
      if (IsOnPath(command)) continue;
      return Missing(prefix + "resources.launcher",
                     absl::StrCat("is slurm, but the server finds no ", command,
                                  " on its PATH; install Slurm's commands there, or use local"));
    }
    return absl::OkStatus();
  }
  auto device = ResolveDevice(resources.device());
  const bool is_open = resources.device() == "auto" || resources.device() == "cuda";
  if (device.ok() && *device != "cpu" && is_open && resources.processes() > 1) {
    // Each process has the GPU of its number.
    device = ResolveDevice(absl::StrCat("cuda:", resources.processes() - 1));
  }
  return device.ok() ? absl::OkStatus()
                     : Missing(prefix + "resources.device",
                               std::string(absl::StripPrefix(device.status().message(), "device: ")));
}

}  // namespace mae
