#include "train/finite_guard.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace mae {

absl::Status FiniteGuard::RollBack(absl::string_view what, int64_t rollbacks) {
  in_row_ = 0;
  if (rollbacks < options_.rollback_limit) return absl::OkStatus();
  const std::string tried =
      rollbacks > 0 ? absl::StrCat(", also after ", rollbacks, " rollbacks with lower learning rates") : "";
  return absl::AbortedError(absl::StrCat(what, tried,
                                         ": start the job anew with a lower optimizer.learning_rate, with "
                                         "optimizer.clip_grad_norm (1.0 is usual), or, if "
                                         "it ran in bf16, with precision fp32"));
}

}  // namespace mae
