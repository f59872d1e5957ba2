#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mae {

/// A float32 array as a NumPy .npy file, format version 1.0, C order. `data` is little-endian, row-major.
/// INVALID_ARGUMENT if it isn't 4 bytes a value of the shape, or the shape is empty.
absl::StatusOr<std::string> NpyFile(const std::vector<int64_t>& shape, absl::string_view data);

}  // namespace mae
