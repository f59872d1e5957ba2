#include "tests/checkpoint/system_calls.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace mae::system_calls {
namespace {

enum class Fault { kNone, kKill, kFail };

struct State {
  bool recording = false;
  Fault fault = Fault::kNone;
  int64_t fault_index = 0;
  int error = 0;
  std::vector<Call> calls;
};

State& Shared() {
  static State state;
  return state;
}

void Begin(Fault fault, int64_t index, int error) { Shared() = {true, fault, index, error, {}}; }

template <typename Function>
Function System(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::string PathOf(int fd) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).string();
}

// Notes the call. @return whether its fault is due; ends the process if that is the fault, after `half`.
template <typename Half>
bool IsFaulty(Call call, const Half& half) {
  State& state = Shared();
  if (!state.recording) return false;
  const auto index = static_cast<int64_t>(state.calls.size());
  state.calls.push_back(std::move(call));
  if (state.fault == Fault::kNone || index != state.fault_index) return false;
  half();
  if (state.fault == Fault::kKill) _exit(kKilled);
  errno = state.error;
  return true;
}

}  // namespace

void Record() { Begin(Fault::kNone, 0, 0); }
void KillAt(int64_t index) { Begin(Fault::kKill, index, 0); }
void FailAt(int64_t index, int error) { Begin(Fault::kFail, index, error); }

std::vector<Call> Stop() {
  Shared().recording = false;
  return std::move(Shared().calls);
}

}  // namespace mae::system_calls

// The program's definitions stand before those of libc for whatever is linked into it.
extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  using namespace mae::system_calls;
  static const auto real = System<ssize_t (*)(int, const void*, size_t)>("write");
  const bool faulty = IsFaulty({"write", PathOf(fd), ""}, [&] { (void)real(fd, bytes, count / 2); });
  return faulty ? -1 : real(fd, bytes, count);
}

int fsync(int fd) {
  using namespace mae::system_calls;
  static const auto real = System<int (*)(int)>("fsync");
  return IsFaulty({"fsync", PathOf(fd), ""}, [] {}) ? -1 : real(fd);
}

int rename(const char* from, const char* to) noexcept {
  using namespace mae::system_calls;
  static const auto real = System<int (*)(const char*, const char*)>("rename");
  return IsFaulty({"rename", from, to}, [] {}) ? -1 : real(from, to);
}

}  // extern "C"
