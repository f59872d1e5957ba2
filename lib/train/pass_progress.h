#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace mae {

/// How far a pass over images has come, told at most once a second: one that trains nothing takes minutes and
/// has no steps to tell of. One thread.
class PassProgress {
 public:
  struct Part {
    int64_t done = 0, images = 0;
    double images_per_second = 0, seconds_left = 0;
  };
  using Tell = std::function<void(const Part&)>;
  using Clock = std::chrono::steady_clock;

  /// @param images of the whole pass.
  PassProgress(int64_t images, Tell tell, Clock::time_point now = Clock::now());

  /// So many more were looked at.
  void Seen(int64_t images, Clock::time_point now = Clock::now());

 private:
  const int64_t images_;
  const Tell tell_;
  const Clock::time_point begin_;
  Clock::time_point told_;
  int64_t done_ = 0;
};

}  // namespace mae
