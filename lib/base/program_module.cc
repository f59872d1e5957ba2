#include "base/program_module.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace mae {

absl::StatusOr<void*> FindInModule(const std::string& name, const std::string& function) {
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::string module = folder / absl::StrCat("lib", name, ".so");
  void* const handle = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const address = handle == nullptr ? nullptr : dlsym(handle, function.c_str());
  if (address != nullptr) return address;
  return absl::FailedPreconditionError(absl::StrCat("can't load '", module, "': ", dlerror()));
}

}  // namespace mae
