#include "train/finite_guard.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mae {

absl::Status FiniteGuard::RollBack(int64_t step, int64_t rollbacks) {
  const int64_t skipped = std::exchange(in_row_, 0);
  if (rollbacks < options_.rollback_limit) return absl::OkStatus();
  const std::string tried =
      rollbacks > 0 ? absl::StrCat(", also after ", rollbacks, " rollbacks with lower learning rates") : "";
  return absl::AbortedError(absl::StrCat(
      "loss or gradients were not finite for ", skipped, " steps in a row, up to step ", step, tried,
      "; the weights of the last checkpoint are finite. Start the job anew with a lower "
      "optimizer.learning_rate, with optimizer.clip_grad_norm (1.0 is usual), or with precision fp32"));
}

}  // namespace mae
