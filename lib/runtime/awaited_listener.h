#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace mae {

/// Tries until somebody takes connections at host:port.
/// @param host a name or an IP address. @param stop looked at between attempts, of which one takes as long as
/// the name server does: CANCELLED.
/// @return UNAVAILABLE, with the last error, at the deadline.
absl::Status AwaitListener(const std::string& host, int64_t port, absl::Time deadline,
                           const std::atomic<bool>& stop);

}  // namespace mae
