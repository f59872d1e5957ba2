// What ThreadSanitizer can't see by itself: Debian's abseil is not instrumented, so the order that
// absl::Mutex gives would be lost and every guarded field reported. These definitions come before the
// library's, tell the sanitizer of each hand-over, and call the library.
//
// Inside it, a thread that unlocks may look at the condition that another waits for, which lies on the
// stack of that one and is gone right after: such looks are under the mutex, and are not followed, so that
// one at what another mutex guards is not found out. Two that share a lock are taken to be in order.
// LockWhen and its kin, which nobody uses, are not here.
#include "absl/synchronization/mutex.h"
#include "tests/tsan/hand_over.h"

namespace {

#define MAE_MUTEX(rest) MAE_ABSL "5Mutex" rest
#define MAE_COND_VAR(rest) MAE_ABSL "7CondVar" rest
#define MAE_CONDITION "RKNS0_9ConditionE"

// Calls the library, which lets go of the mutex meanwhile.
template <typename Wait>
auto LettingGo(absl::Mutex* mutex, const Wait& wait) {
  __tsan_release(mutex);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool result = wait();
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  __tsan_acquire(mutex);
  return result;
}

}  // namespace

void absl::Mutex::Lock() {
  static auto* const next = mae::NextDefinition<void(Mutex*)>(MAE_MUTEX("4LockEv"));
  next(this);
  __tsan_acquire(this);
}

bool absl::Mutex::TryLock() {
  static auto* const next = mae::NextDefinition<bool(Mutex*)>(MAE_MUTEX("7TryLockEv"));
  const bool locked = next(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void absl::Mutex::Unlock() {
  static auto* const next = mae::NextDefinition<void(Mutex*)>(MAE_MUTEX("6UnlockEv"));
  __tsan_release(this);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  next(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

void absl::Mutex::ReaderLock() {
  static auto* const next = mae::NextDefinition<void(Mutex*)>(MAE_MUTEX("10ReaderLockEv"));
  next(this);
  __tsan_acquire(this);
}

void absl::Mutex::ReaderUnlock() {
  static auto* const next = mae::NextDefinition<void(Mutex*)>(MAE_MUTEX("12ReaderUnlockEv"));
  __tsan_release(this);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  next(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

void absl::Mutex::Await(const Condition& condition) {
  static auto* const next =
      mae::NextDefinition<void(Mutex*, const Condition&)>(MAE_MUTEX("5AwaitE" MAE_CONDITION));
  LettingGo(this, [&] { return next(this, condition), true; });
}

bool absl::Mutex::AwaitWithDeadline(const Condition& condition, absl::Time deadline) {
  static auto* const next = mae::NextDefinition<bool(Mutex*, const Condition&, absl::Time)>(
      MAE_MUTEX("17AwaitWithDeadlineE" MAE_CONDITION "NS0_4TimeE"));
  return LettingGo(this, [&] { return next(this, condition, deadline); });
}

bool absl::Mutex::AwaitWithTimeout(const Condition& condition, absl::Duration timeout) {
  static auto* const next = mae::NextDefinition<bool(Mutex*, const Condition&, absl::Duration)>(
      MAE_MUTEX("16AwaitWithTimeoutE" MAE_CONDITION "NS0_8DurationE"));
  return LettingGo(this, [&] { return next(this, condition, timeout); });
}

void absl::CondVar::Wait(Mutex* mutex) {
  static auto* const next = mae::NextDefinition<void(CondVar*, Mutex*)>(MAE_COND_VAR("4WaitEPNS0_5MutexE"));
  LettingGo(mutex, [&] { return next(this, mutex), true; });
}

bool absl::CondVar::WaitWithDeadline(Mutex* mutex, absl::Time deadline) {
  static auto* const next = mae::NextDefinition<bool(CondVar*, Mutex*, absl::Time)>(
      MAE_COND_VAR("16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"));
  return LettingGo(mutex, [&] { return next(this, mutex, deadline); });
}

bool absl::CondVar::WaitWithTimeout(Mutex* mutex, absl::Duration timeout) {
  static auto* const next = mae::NextDefinition<bool(CondVar*, Mutex*, absl::Duration)>(
      MAE_COND_VAR("15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE"));
  return LettingGo(mutex, [&] { return next(this, mutex, timeout); });
}
