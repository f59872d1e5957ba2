// As absl_mutex.cc has it, of what abseil builds upon its mutex.
#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "tests/tsan/hand_over.h"

namespace {

// The sanitizer wants an address, of which it changes nothing.
void Acquire(const void* address) { __tsan_acquire(const_cast<void*>(address)); }

}  // namespace

#define MAE_NOTIFICATION "12Notification"
#define MAE_COUNTER "15BlockingCounter"

void absl::Notification::Notify() {
  static auto* const next = mae::NextDefinition<void(Notification*)>(MAE_ABSL MAE_NOTIFICATION "6NotifyEv");
  __tsan_release(this);
  __tsan_release(&notified_yet_);  // which HasBeenNotified looks at
  next(this);
}

void absl::Notification::WaitForNotification() const {
  static auto* const next = mae::NextDefinition<void(const Notification*)>(MAE_ABSL_CONST MAE_NOTIFICATION
                                                                           "19WaitForNotificationEv");
  next(this);
  Acquire(this);
}

bool absl::Notification::WaitForNotificationWithTimeout(absl::Duration timeout) const {
  static auto* const next = mae::NextDefinition<bool(const Notification*, absl::Duration)>(
      MAE_ABSL_CONST MAE_NOTIFICATION "30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = next(this, timeout);
  if (notified) Acquire(this);
  return notified;
}

bool absl::Notification::WaitForNotificationWithDeadline(absl::Time deadline) const {
  static auto* const next = mae::NextDefinition<bool(const Notification*, absl::Time)>(
      MAE_ABSL_CONST MAE_NOTIFICATION "31WaitForNotificationWithDeadlineENS0_4TimeE");
  const bool notified = next(this, deadline);
  if (notified) Acquire(this);
  return notified;
}

bool absl::BlockingCounter::DecrementCount() {
  static auto* const next =
      mae::NextDefinition<bool(BlockingCounter*)>(MAE_ABSL MAE_COUNTER "14DecrementCountEv");
  __tsan_release(this);
  const bool is_last = next(this);
  if (is_last) Acquire(this);
  return is_last;
}

void absl::BlockingCounter::Wait() {
  static auto* const next = mae::NextDefinition<void(BlockingCounter*)>(MAE_ABSL MAE_COUNTER "4WaitEv");
  next(this);
  Acquire(this);
}

bool absl::Barrier::Block() {
  static auto* const next = mae::NextDefinition<bool(Barrier*)>(MAE_ABSL "7Barrier5BlockEv");
  __tsan_release(this);
  const bool is_last = next(this);
  Acquire(this);
  return is_last;
}
