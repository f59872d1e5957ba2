#pragma once

#include <algorithm>

#include "checkpoint/checkpoint_writer.h"

namespace mae {

/// The plainest rule: the `count` checkpoints with the highest steps stay.
inline Retention KeepLast(int64_t count) {
  return [count](const std::vector<int64_t>& steps, const TrainingProgress& /*newest*/) {
    const auto kept = std::min(steps.size(), static_cast<size_t>(count));
    return std::vector<int64_t>(steps.begin(), steps.end() - static_cast<std::ptrdiff_t>(kept));
  };
}

}  // namespace mae
