#pragma once

#include <string>

#include "absl/status/statusor.h"

/// Parts of the programs that are loaded when they are first needed, because of the libraries they bring:
/// shared modules in the folder of the program, of the same build.
namespace mae {

/// The address of an extern "C" function of libNAME.so, which stays loaded. Safe from any thread.
/// FAILED_PRECONDITION names the file that can't be loaded and why.
absl::StatusOr<void*> FindInModule(const std::string& name, const std::string& function);

/// The same with its type: FindModuleFunction<decltype(&F)>("name", "F").
template <typename Function>
absl::StatusOr<Function> FindModuleFunction(const std::string& name, const std::string& function) {
  const absl::StatusOr<void*> address = FindInModule(name, function);
  if (!address.ok()) return address.status();
  return reinterpret_cast<Function>(*address);
}

}  // namespace mae
