#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/status/status.h"

namespace mae {

/// RESOURCE_EXHAUSTED, with all three numbers and what to do, if `bytes` more where `folder` is would leave
/// less than `reserve` free: room in which the jobs that run can still write their checkpoints.
absl::Status CheckDiskSpace(const std::filesystem::path& folder, int64_t bytes, int64_t reserve);

}  // namespace mae
