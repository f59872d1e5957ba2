#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// All bytes from where `fd` stands to the end of its file. INVALID_ARGUMENT if the file is larger than
/// max_bytes; the system's reason (SystemError) if it can't be read. Blocks on the disk; thread-safe.
/// @param path the file's name in errors
absl::StatusOr<std::string> ReadDescriptor(int fd, const std::filesystem::path& path, int64_t max_bytes);

}  // namespace mae
