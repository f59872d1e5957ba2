#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mae {

/// When each phase of training ran, on which lane: the training thread, or one of those that have a part of
/// the batch. Thread-safe. Holds a bounded number of events and counts those beyond.
class StepTrace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kTraining = 0;
  static constexpr size_t kMaxEvents = 200000;

  /// The lane of the thread that has this part of the batch, from 0.
  static int LaneOfShard(int64_t shard) { return 1 + static_cast<int>(shard); }

  /// A phase that runs from here to the end of the scope. Without a trace it does not even read the clock.
  class Phase {
   public:
    /// @param trace may be nullptr; else outlives the phase, as does name: plain words, a literal.
    explicit Phase(StepTrace* trace, const char* name, int lane = kTraining) : trace_(trace) {
      if (trace_ == nullptr) return;
      name_ = name;
      lane_ = lane;
      begin_ = Clock::now();
    }
    ~Phase() {
      if (trace_ != nullptr) trace_->Add(name_, lane_, begin_, Clock::now());
    }
    Phase(const Phase&) = delete;
    Phase& operator=(const Phase&) = delete;

   private:
    StepTrace* const trace_;
    const char* name_ = nullptr;
    int lane_ = kTraining;
    Clock::time_point begin_;
  };

  /// What one phase came to.
  struct Summary {
    const char* name;
    int64_t count = 0;
    double total_ms = 0, median_ms = 0;
    double share = 0;  ///< of the time that the trace spans; of lanes side by side the mean
  };

  explicit StepTrace(size_t max_events = kMaxEvents) : max_events_(max_events) {}

  /// Events that are added from here on belong to this step.
  void BeginStep(int64_t step) ABSL_LOCKS_EXCLUDED(mutex_);

  void Add(const char* name, int lane, Clock::time_point begin, Clock::time_point end)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// In the order in which the phases first ended.
  std::vector<Summary> Summaries() const ABSL_LOCKS_EXCLUDED(mutex_);

  /// Events that found no room.
  int64_t dropped() const ABSL_LOCKS_EXCLUDED(mutex_);

  /// In the trace event format of Chrome and Perfetto: complete events with microseconds from the earliest
  /// on.
  std::string ToJson() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Event {
    const char* name;
    int lane;
    int64_t step;
    Clock::time_point begin, end;
  };
  Summary SummaryOf(const char* name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  /// Of all events; equal if there are none.
  std::pair<Clock::time_point, Clock::time_point> Span() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const size_t max_events_;
  mutable absl::Mutex mutex_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  int64_t step_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mae
