#pragma once

#include <thread>
#include <utility>

namespace mae {

/// A thread that its owner joins: destroying or assigning over it waits for the thread to end, so declare it
/// after everything that it uses, and tell its function to end (close its queue, set its flag) before. Not
/// thread-safe.
class JoinedThread {
 public:
  JoinedThread() = default;
  /// Starts `function` (no arguments, result ignored; it must not throw).
  template <typename Function>
  explicit JoinedThread(Function&& function) : thread_(std::forward<Function>(function)) {}
  JoinedThread(JoinedThread&&) noexcept = default;
  JoinedThread& operator=(JoinedThread&& other) noexcept {
    if (this != &other) {
      Join();
      thread_ = std::move(other.thread_);
    }
    return *this;
  }
  ~JoinedThread() { Join(); }

  /// Waits for the end. Nothing happens if it was joined already or never started.
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  bool joinable() const { return thread_.joinable(); }

 private:
  std::thread thread_;
};

}  // namespace mae
