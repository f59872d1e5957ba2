#pragma once

#include <grpc/grpc.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"
#include "server/authenticator.h"
#include "server/rpc_roles.h"

namespace mae {

/// The calls that were let in and have not ended. A call whose token has been taken away, has expired, or has
/// another role now is ended: at Check, and within a few seconds by a thread of its own. Thread-safe.
class RunningCalls {
 public:
  /// @param authenticator outlives it. @param between_checks of the thread.
  explicit RunningCalls(const Authenticator& authenticator, absl::Duration between_checks = absl::Seconds(3));
  /// Ends no call.
  ~RunningCalls();
  RunningCalls(const RunningCalls&) = delete;
  RunningCalls& operator=(const RunningCalls&) = delete;

  /// @param rule of the call's method. @param call is kept alive until Remove.
  /// @return the number to remove it by. Copies `credentials`.
  int64_t Add(const RpcRule& rule, const Credentials& credentials, grpc_call* call)
      ABSL_LOCKS_EXCLUDED(mutex_);
  /// @return what Check ended it with; OK for nothing.
  absl::StatusCode Remove(int64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Ends those that would not be let in any more: with UNAUTHENTICATED, or PERMISSION_DENIED if only the
  /// role is another. Their handlers see a cancelled call.
  void Check() const ABSL_LOCKS_EXCLUDED(mutex_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    return calls_.size();
  }

 private:
  struct Call;
  void EndIfRefused(const Call& call) const;

  const Authenticator& authenticator_;
  mutable absl::Mutex mutex_;
  int64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  // A check goes on with what it found, without the lock: gRPC may tell of an end while it is asked for it.
  std::map<int64_t, std::shared_ptr<const Call>> calls_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  JoinedThread thread_;
};

}  // namespace mae
