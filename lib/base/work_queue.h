#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mae {

/// Threads that do the work of RPCs, so that gRPC's own threads never wait for a disk or a forward pass.
/// Thread-safe. Work must not throw; it runs once, with no lock held.
class WorkQueue {
 public:
  /// @param threads at least 1.
  /// @param max_waiting work that may wait while every thread is busy; 0: none, so work is taken only by an
  /// idle
  ///   thread.
  WorkQueue(int threads, int max_waiting);
  /// Runs what still waits, then joins the threads.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// Never blocks. False if the queue is full: the work will not run.
  bool TryPush(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  /// Likewise, but false also unless a thread is idle that nothing else waits for.
  bool TryPushToIdle(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Whether work waits that no idle thread will take: what runs long and could stop asks. Takes no lock;
  /// what it says may be over already.
  bool LacksThreads() const { return lacks_threads_.load(std::memory_order_relaxed); }
  int64_t threads() const { return static_cast<int64_t>(threads_.size()); }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  bool PushIfFewer(size_t waiting, std::function<void()> work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteLack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWorkOrCloses() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return closing_ || !waiting_.empty(); }

  const size_t max_waiting_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t idle_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> lacks_threads_ = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace mae
