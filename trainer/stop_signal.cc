#include "trainer/stop_signal.h"

#include <csignal>

namespace mae {
namespace {

std::atomic<bool> stop_asked = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");

void AskForStop(int /*signal*/) { stop_asked = true; }

}  // namespace

const std::atomic<bool>& InstallStopSignal() {
  struct sigaction action {};
  action.sa_handler = AskForStop;
  // Reads and writes of files go on as if nothing had happened.
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  return stop_asked;
}

}  // namespace mae
