#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mae {

/// A float32 matrix as a NumPy .npy file, format version 1.0, C order. `data` is little-endian, row-major.
/// INVALID_ARGUMENT if it isn't rows * columns * 4 bytes.
absl::StatusOr<std::string> NpyFile(int64_t rows, int64_t columns, absl::string_view data);

}  // namespace mae
