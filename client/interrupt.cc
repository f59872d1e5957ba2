#include "client/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace mae {
namespace {

std::atomic<int> signal_pipe{-1};

void HandleSignal(int) {
  const int saved_errno = errno;
  // A full pipe means that the listener has enough to wake up for.
  [[maybe_unused]] const ssize_t written = write(signal_pipe.load(), "!", 1);
  errno = saved_errno;
}

void Install(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  if (pipe2(pipe_, O_CLOEXEC) != 0) pipe_[0] = pipe_[1] = -1;
  signal_pipe.store(pipe_[1]);
  listener_ = JoinedThread([this] { Listen(); });
  Install(&HandleSignal, static_cast<int>(SA_RESTART | SA_RESETHAND));
}

Interrupt::~Interrupt() {
  Install(SIG_DFL, 0);
  signal_pipe.store(-1);
  close(pipe_[1]);
  listener_.Join();
  close(pipe_[0]);
}

bool Interrupt::interrupted() const {
  absl::MutexLock lock(&mutex_);
  return interrupted_;
}

bool Interrupt::WaitFor(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&interrupted_), duration);
}

void Interrupt::OnSignal(std::function<void()> cancel) {
  absl::MutexLock lock(&mutex_);
  cancel_ = std::move(cancel);
  if (interrupted_ && cancel_) cancel_();
}

void Interrupt::Listen() {
  char byte = 0;
  while (read(pipe_[0], &byte, 1) == 1) {
    absl::MutexLock lock(&mutex_);
    interrupted_ = true;
    if (cancel_) cancel_();
  }
}

}  // namespace mae
