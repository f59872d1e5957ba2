#pragma once

#include <cerrno>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

/// Failed system calls as absl::Status. Thread-safe.
namespace mae {

/// What an errno amounts to: NOT_FOUND, PERMISSION_DENIED (also a read-only disk), RESOURCE_EXHAUSTED (disk,
/// quota or file size limit reached), else INTERNAL.
absl::StatusCode SystemErrorCode(int error);

/// "cannot ACTION PATH: the system's words", with the code of SystemErrorCode.
absl::Status SystemError(absl::string_view action, const std::filesystem::path& path, int error);

/// Calls again for as long as a signal interrupts the call.
/// @param call gives below 0 and sets errno on failure.
template <typename Call>
auto RetryInterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace mae
