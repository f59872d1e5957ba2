#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace mae {

/// Decides when steps that had to be skipped, because the loss or a gradient was not finite, are too many:
/// one comes from an odd batch and training gets over it, ten in a row are a run that diverged. One thread.
class FiniteGuard {
 public:
  static constexpr int64_t kMaxInRow = 10;

  /// A step was taken.
  void Taken() { in_row_ = 0; }

  /// A step was skipped.
  /// @param step optimizer steps before it, for the message.
  /// @return ABORTED with what to do once kMaxInRow were skipped in a row.
  absl::Status Skipped(int64_t step);

  /// Skipped since the last step that was taken.
  int64_t in_row() const { return in_row_; }

 private:
  int64_t in_row_ = 0;
};

}  // namespace mae
