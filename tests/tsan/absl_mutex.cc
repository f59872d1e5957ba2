// What ThreadSanitizer can't see by itself: Debian's abseil is not instrumented, so the order that
// absl::Mutex gives would be lost and every guarded field reported. These definitions come before the
// library's, tell the sanitizer of each hand-over, and call the library. Linked into every program of the
// tsan preset; tests/tsan/suppressions.txt says what remains.
#include <dlfcn.h>

#include "absl/synchronization/mutex.h"

extern "C" {
void __tsan_acquire(void* address);  // NOLINT(bugprone-reserved-identifier): the sanitizer's own name
void __tsan_release(void* address);  // NOLINT(bugprone-reserved-identifier)
}

namespace {

// The library's definition of the function that has this mangled name.
template <typename Function>
Function* Next(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, symbol));
}

#define MAE_STRING_OF(x) #x
#define MAE_STRING(x) MAE_STRING_OF(x)
#define MAE_ABSL MAE_STRING(ABSL_OPTION_INLINE_NAMESPACE_NAME)
static_assert(sizeof(MAE_ABSL) == sizeof("debian3"), "the mangled names below carry the length of this name");
#define MAE_MUTEX(rest) "_ZN4absl7" MAE_ABSL "5Mutex" rest
#define MAE_CONDITION "RKNS0_9ConditionE"

}  // namespace

void absl::Mutex::Lock() {
  static auto* const next = Next<void(Mutex*)>(MAE_MUTEX("4LockEv"));
  next(this);
  __tsan_acquire(this);
}

void absl::Mutex::Unlock() {
  static auto* const next = Next<void(Mutex*)>(MAE_MUTEX("6UnlockEv"));
  __tsan_release(this);
  next(this);
}

void absl::Mutex::Await(const Condition& condition) {
  static auto* const next = Next<void(Mutex*, const Condition&)>(MAE_MUTEX("5AwaitE" MAE_CONDITION));
  __tsan_release(this);
  next(this, condition);
  __tsan_acquire(this);
}

bool absl::Mutex::AwaitWithDeadline(const Condition& condition, absl::Time deadline) {
  static auto* const next = Next<bool(Mutex*, const Condition&, absl::Time)>(
      MAE_MUTEX("17AwaitWithDeadlineE" MAE_CONDITION "NS0_4TimeE"));
  __tsan_release(this);
  const bool holds = next(this, condition, deadline);
  __tsan_acquire(this);
  return holds;
}

bool absl::Mutex::AwaitWithTimeout(const Condition& condition, absl::Duration timeout) {
  static auto* const next = Next<bool(Mutex*, const Condition&, absl::Duration)>(
      MAE_MUTEX("16AwaitWithTimeoutE" MAE_CONDITION "NS0_8DurationE"));
  __tsan_release(this);
  const bool holds = next(this, condition, timeout);
  __tsan_acquire(this);
  return holds;
}
