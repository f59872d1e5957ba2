#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "mae/v1/job.pb.h"

namespace mae {

/// One WatchJob stream: writes the events that it is given, one at a time, and asks for more when it has none
/// left. A client that reads slowly is simply asked for later; nothing piles up. Thread-safe.
///
/// Keeps itself alive until gRPC is done with it; whoever feeds it holds a weak_ptr.
class JobWatch final : public grpc::ServerWriteReactor<v1::JobEvent> {
 public:
  /// @param on_hungry called on a gRPC thread when events ran out; must not block.
  static std::shared_ptr<JobWatch> Create(std::function<void()> on_hungry);

  /// True while it takes events: none is waiting or being written, and it has not ended.
  bool Hungry() const ABSL_LOCKS_EXCLUDED(mutex_);
  /// @param events in order; only when Hungry.
  void Send(std::vector<v1::JobEvent> events) ABSL_LOCKS_EXCLUDED(mutex_);
  /// Ends the stream with `status` after the events that it has.
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override;

 private:
  explicit JobWatch(std::function<void()> on_hungry) : on_hungry_(std::move(on_hungry)) {}

  enum class Action { kNone, kWrite, kFinish };
  /// What to do next; marks it as being done.
  Action NextAction() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// gRPC may call back on this very thread, so never with the lock held.
  void Act(Action action) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<void()> on_hungry_;
  std::shared_ptr<JobWatch> self_;  ///< let go in OnDone
  v1::JobEvent writing_;            ///< touched only by whoever got kWrite, until OnWriteDone
  grpc::Status final_status_;       ///< touched only by whoever got kFinish

  mutable absl::Mutex mutex_;
  std::deque<v1::JobEvent> waiting_ ABSL_GUARDED_BY(mutex_);
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
