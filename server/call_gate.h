#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/authenticator.h"
#include "server/caller_limits.h"
#include "server/metrics.h"

namespace mae {

/// Decides on every call before gRPC looks for its method: who calls, whether the table of rpc_roles lets
/// them, and whether they ask for more than their share. Refused calls of gRPC are counted, and all
/// refusals told of in the log, one line a second at most. Thread-safe; never waits.
class CallGate {
 public:
  /// What it is given outlives it.
  CallGate(const Authenticator& authenticator, CallerLimits& limits, Metrics& metrics)
      : authenticator_(authenticator), limits_(limits), metrics_(metrics) {}

  /// @param path as gRPC has it in :path.
  /// @return UNAUTHENTICATED (Authenticator), PERMISSION_DENIED with the roles that may, RESOURCE_EXHAUSTED
  /// (CallerLimits), UNIMPLEMENTED for a path that the table has not.
  absl::Status Check(std::string_view path, const Credentials& credentials) const;

  /// Likewise for the metrics port, whose paths but probes need a role of kWebRoles; without limits, and not
  /// counted.
  /// @param peer the caller's address, for the log. Of a call of gRPC nobody tells it at this point.
  absl::Status CheckWeb(const Credentials& credentials, std::string_view peer) const;

 private:
  absl::Status Decide(std::string_view path, const Credentials& credentials) const;
  void Tell(const absl::Status& refused, const std::string& what) const ABSL_LOCKS_EXCLUDED(mutex_);

  const Authenticator& authenticator_;
  CallerLimits& limits_;
  Metrics& metrics_;
  mutable absl::Mutex mutex_;
  mutable absl::Time next_line_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  mutable int64_t unsaid_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mae
