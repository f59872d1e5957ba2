#include "base/work_queue.h"

#include <algorithm>
#include <utility>

namespace mae {

WorkQueue::WorkQueue(int threads, int max_waiting)
    : max_waiting_(static_cast<size_t>(std::max(max_waiting, 0))),
      idle_(static_cast<size_t>(std::max(threads, 1))) {
  for (int i = 0; i < std::max(threads, 1); ++i) threads_.emplace_back([this] { Run(); });
}

WorkQueue::~WorkQueue() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

bool WorkQueue::TryPush(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  return PushIfFewer(idle_ + max_waiting_, std::move(work));
}

bool WorkQueue::TryPushToIdle(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  return PushIfFewer(idle_, std::move(work));
}

bool WorkQueue::PushIfFewer(size_t waiting, std::function<void()> work) {
  if (waiting_.size() >= waiting) return false;
  waiting_.push_back(std::move(work));
  NoteLack();
  return true;
}

void WorkQueue::NoteLack() { lacks_threads_.store(waiting_.size() > idle_, std::memory_order_relaxed); }

void WorkQueue::Run() {
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &WorkQueue::HasWorkOrCloses));
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
      --idle_;
    }
    work();
    work = nullptr;  // What the work holds goes before the thread counts as idle.
    absl::MutexLock lock(&mutex_);
    ++idle_;
    NoteLack();
  }
}

}  // namespace mae
