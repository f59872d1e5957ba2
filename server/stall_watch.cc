#include "server/stall_watch.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"

namespace mae {

StallWatch::StallWatch() : thread_([this] { Run(); }) {}

StallWatch::~StallWatch() {
  {
    const absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  thread_.Join();
}

int64_t StallWatch::Add(absl::Duration patience, std::function<void()> on_stall) {
  const absl::MutexLock lock(&mutex_);
  const int64_t id = next_++;
  entries_[id] = {absl::Now() + patience, std::move(on_stall)};
  changed_ = true;
  return id;
}

bool StallWatch::TakeBack(int64_t id) {
  const absl::MutexLock lock(&mutex_);
  if (entries_.erase(id) > 0) return true;
  const auto has_ended = [this, id]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return running_ != id; };
  mutex_.Await(absl::Condition(&has_ended));
  return false;
}

absl::Time StallWatch::Earliest() const {
  absl::Time earliest = absl::InfiniteFuture();
  for (const auto& [id, entry] : entries_) earliest = std::min(earliest, entry.deadline);
  return earliest;
}

bool StallWatch::RunOne() {
  const absl::Time now = absl::Now();
  const auto due = std::find_if(entries_.begin(), entries_.end(),
                                [now](const auto& item) { return item.second.deadline <= now; });
  if (due == entries_.end()) return false;
  running_ = due->first;
  const auto on_stall = std::move(due->second.on_stall);
  entries_.erase(due);
  mutex_.Unlock();
  on_stall();
  mutex_.Lock();
  running_ = 0;
  return true;
}

void StallWatch::Run() {
  const absl::MutexLock lock(&mutex_);
  const auto wakes = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return changed_ || closing_; };
  while (!closing_) {
    if (RunOne()) continue;
    changed_ = false;
    mutex_.AwaitWithDeadline(absl::Condition(&wakes), Earliest());
  }
}

}  // namespace mae
