#include "train/finite_guard.h"

#include "absl/strings/str_cat.h"

namespace mae {

absl::Status FiniteGuard::Skipped(int64_t step) {
  if (++in_row_ < kMaxInRow) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("loss or gradients were not finite for ", in_row_,
                                         " steps in a row, up to step ", step,
                                         "; the last checkpoint is sound. Lower optimizer.learning_rate, set "
                                         "optimizer.clip_grad_norm (1.0 is usual), or "
                                         "set precision to fp32"));
}

}  // namespace mae
