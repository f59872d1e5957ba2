#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mae {

/// What a request to a model tells beside its inputs: until when its answer is wanted, and how much.
struct RequestContext {
  absl::Time deadline = absl::InfiniteFuture();
  int64_t priority = 0;  ///< smaller goes first
  /// Whether nobody waits for the answer any more; called from other threads, must not block. Null: never.
  std::function<bool()> is_cancelled = nullptr;
  absl::Time came = absl::Now();  ///< from where what the request says of time counts
};

}  // namespace mae
