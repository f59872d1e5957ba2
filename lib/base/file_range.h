#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"

/// Stretches of files, read where they lie. Thread-safe.
namespace mae {

/// Fills `out` from `offset` on. @return how many bytes; fewer than `length` only where the file ends. Errors
/// of SystemError, naming `path`.
/// @param fd open for reading; its position stays.
absl::StatusOr<int64_t> ReadAt(int fd, int64_t offset, char* out, int64_t length,
                               const std::filesystem::path& path);

/// The bytes at `offset`. INVALID_ARGUMENT if the file ends before them; else errors of SystemError.
absl::StatusOr<std::string> ReadFileRange(const std::filesystem::path& path, int64_t offset, int64_t bytes);

}  // namespace mae
