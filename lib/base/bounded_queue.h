#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mae {

/// A first-in-first-out queue between threads that holds at most `capacity` values (at least 1). Thread-safe.
/// Close it to end both sides: pushes are refused from then on, pops give what is left and then nothing.
/// Deadlines are absolute; absl::InfiniteFuture() waits until there is room, a value or a Close.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  /// Waits for room. False, with `value` untouched, if the queue is closed or the deadline passed first.
  bool Push(T&& value, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto has_room_or_closed = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return closed_ || values_.size() < capacity_;
    };
    if (!mutex_.AwaitWithDeadline(absl::Condition(&has_room_or_closed), deadline)) return false;
    return Append(std::move(value));
  }

  /// Never blocks. False, with `value` untouched, if the queue is full or closed.
  bool TryPush(T&& value) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return values_.size() < capacity_ && Append(std::move(value));
  }

  /// Waits for a value. Nothing if the queue is closed and empty, or the deadline passed first (see
  /// drained()).
  std::optional<T> Pop(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto has_value_or_closed = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return closed_ || !values_.empty();
    };
    mutex_.AwaitWithDeadline(absl::Condition(&has_value_or_closed), deadline);
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    return value;
  }

  /// Refuses every later push and wakes all who wait. May be called more than once.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }

  /// Closed and empty: no Pop will give a value again.
  bool drained() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return closed_ && values_.empty();
  }

  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return values_.size();
  }

 private:
  bool Append(T&& value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (closed_) return false;
    values_.push_back(std::move(value));
    return true;
  }

  const size_t capacity_;
  mutable absl::Mutex mutex_;
  std::deque<T> values_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mae
