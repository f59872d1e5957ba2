#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

/// Early return on error, for functions that give absl::Status or absl::StatusOr.

#define MAE_STATUS_CONCAT_INNER(a, b) a##b
#define MAE_STATUS_CONCAT(a, b) MAE_STATUS_CONCAT_INNER(a, b)

/// Returns the status of `expression` from the present function if it is not OK.
#define MAE_RETURN_IF_ERROR(expression)                                                 \
  do {                                                                                  \
    if (absl::Status mae_status_ = (expression); !mae_status_.ok()) return mae_status_; \
  } while (false)

/// Evaluates a StatusOr; returns its status, or moves its value to `target` (a declaration or an lvalue).
#define MAE_ASSIGN_OR_RETURN(target, expression) \
  MAE_ASSIGN_OR_RETURN_INNER(MAE_STATUS_CONCAT(mae_status_or_, __LINE__), target, expression)
#define MAE_ASSIGN_OR_RETURN_INNER(holder, target, expression) \
  auto holder = (expression);                                  \
  if (!holder.ok()) return std::move(holder).status();         \
  target = *std::move(holder)
