#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "options/train_options.h"

namespace mae {

/// Decides when steps that had to be skipped, because the loss or a gradient was not finite, are too many:
/// one comes from an odd batch and training gets over it, ten in a row are a run that diverged and has to go
/// back; one that diverges again and again has to end. One thread.
class FiniteGuard {
 public:
  explicit FiniteGuard(const SafetyOptions& options) : options_(options) {}

  /// A step after which the run has diverged no longer mends it: it may be heard of late.
  void Taken() { in_row_ = has_diverged() ? in_row_ : 0; }
  void Skipped() { ++in_row_; }

  /// Skipped since the last step that was taken and counted, or since the last rollback.
  int64_t in_row() const { return in_row_; }
  /// Whether the run has diverged: skip_limit steps were skipped in a row.
  bool has_diverged() const { return in_row_ >= options_.skip_limit; }

  /// The run is to go back: begins the count anew.
  /// @param what was not finite and where, for the message.
  /// @param rollbacks of the job so far.
  /// @return ABORTED with what to do if that was as often as rollback_limit allows.
  absl::Status RollBack(absl::string_view what, int64_t rollbacks);

 private:
  const SafetyOptions options_;
  int64_t in_row_ = 0;
};

}  // namespace mae
