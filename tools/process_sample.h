#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace mae {

/// What a process holds at a moment.
struct ProcessSample {
  int64_t resident_kib = 0;
  int64_t threads = 0;
  int64_t descriptors = 0;
};

/// From /proc. NOT_FOUND if there is no such process any more.
absl::StatusOr<ProcessSample> SampleProcess(int64_t pid);

}  // namespace mae
