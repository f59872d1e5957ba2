#include "server/image_decoder_sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <thread>

// A sanitizer needs what the sandbox forbids, so that under one there is none.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace mae {
namespace {

constexpr uint64_t kMaxMemory = uint64_t{1} << 30;
constexpr int kLacksSandbox = 2, kWasAllowed = 1, kWasRefused = 0;

// How a child ends that shuts its sandbox, and then tries something.
void Try(const std::function<bool()>& is_allowed) {
  if (ShutSandbox(kMaxMemory) != nullptr) _exit(kLacksSandbox);
  errno = 0;
  const bool allowed = is_allowed();
  _exit(allowed || errno != EPERM ? kWasAllowed : kWasRefused);
}

TEST(ImageDecoderSandbox, HasNoFileNoConnectionNoProcessAndNoCode) {
  const std::function<bool()> forbidden[] = {
      [] { return open("/dev/null", O_RDONLY) >= 0; },
      [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0; },
      [] { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; },
      [] { return fork() >= 0; },
      [] { return execl("/bin/true", "true", nullptr) == 0; },
      [] { return kill(getppid(), 0) == 0; },
      [] { return unlink("/nothing") == 0; },
      [] {
        return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
      },
  };
  for (const auto& attempt : forbidden) {
    EXPECT_EXIT(Try(attempt), testing::ExitedWithCode(kWasRefused), "") << &attempt - forbidden;
  }
}

// As a library's own that was there before: it must not be the way out.
TEST(ImageDecoderSandbox, HoldsForThreadsThatThereWereBefore) {
  const auto opens_on_an_earlier_thread = [] {
    std::atomic<bool> has_begun = false, is_shut = false;
    int ended = kWasAllowed;
    std::thread earlier([&] {
      has_begun = true;
      while (!is_shut) std::this_thread::yield();
      if (open("/dev/null", O_RDONLY) < 0 && errno == EPERM) ended = kWasRefused;
    });
    while (!has_begun) std::this_thread::yield();
    const bool lacks_sandbox = ShutSandbox(kMaxMemory) != nullptr;
    is_shut = true;
    earlier.join();
    _exit(lacks_sandbox ? kLacksSandbox : ended);
  };
  EXPECT_EXIT(opens_on_an_earlier_thread(), testing::ExitedWithCode(kWasRefused), "");
}

TEST(ImageDecoderSandbox, HasMemoryUpToItsLimit) {
  const auto takes = [](size_t bytes) {
    return [bytes] {
      void* const memory = std::malloc(bytes);
      if (memory == nullptr) errno = EPERM;
      return memory != nullptr;
    };
  };
  EXPECT_EXIT(Try(takes(64 << 20)), testing::ExitedWithCode(kWasAllowed), "");
  EXPECT_EXIT(Try(takes(size_t{2} << 30)), testing::ExitedWithCode(kWasRefused), "");
}

}  // namespace
}  // namespace mae

#endif
