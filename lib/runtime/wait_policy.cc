#include "runtime/wait_policy.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace mae {

void WaitWithoutSpinning(char** argv) {
  if (getenv("OMP_WAIT_POLICY") != nullptr || getenv("GOMP_SPINCOUNT") != nullptr) return;
  // By its real path, so that process lists keep showing the program's name.
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0) != 0) return;
  execv(program.c_str(), argv);
}

}  // namespace mae
