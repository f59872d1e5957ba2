// Put before the C library by LD_PRELOAD: makes calls of a real program fail, or kills it there, as
// tests/fakes/fault_page.h says.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/fakes/fault_page.h"

namespace {

using mae::FaultPage;

constexpr int64_t kSecond = 1'000'000'000;

FaultPage* page = nullptr;

__attribute__((constructor)) void MapPage() {
  const char* path = std::getenv("MAE_FAULT_PAGE");
  if (path == nullptr) return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) page = static_cast<FaultPage*>(mapped);
}

// The C library's function behind ours, looked for once. No static with a guard: guards wait by syscall(),
// which is ours.
template <typename Function>
class Real {
 public:
  constexpr explicit Real(const char* name) : name_(name) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    Function found = found_.load();
    if (found == nullptr) found_ = found = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name_));
    return found(arguments...);
  }

 private:
  const char* const name_;
  std::atomic<Function> found_ = nullptr;
};

bool IsUnder(const char* path, const char* folder) {
  const size_t length = std::strlen(folder);
  return std::strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool IsUs(FaultPage::Call call) {
  if (page == nullptr || page->armed == 0) return false;
  const bool asked =
      page->call == call || (page->call == FaultPage::kAnyFileCall && call < FaultPage::kAnyFileCall);
  return asked && std::strncmp(program_invocation_short_name, page->program, 15) == 0;
}

bool IsFileOfOurs(int fd) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof(path) - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return IsUnder(path, page->folder);
}

// LibTorch's library of tensors.
bool IsOfC10(const void* code) {
  Dl_info library;
  return dladdr(code, &library) != 0 && std::strstr(library.dli_fname, "libc10.so") != nullptr;
}

enum class Verdict { kPass, kFail, kDie, kDieAfter };

// For a call that IsUs and is about our files.
Verdict Judge() {
  const int64_t left = page->countdown.fetch_sub(1);
  const FaultPage::Effect effect = page->effect;
  if (left > 0 || (left < 0 && effect != FaultPage::kFailOn)) return Verdict::kPass;
  page->hits.fetch_add(1);
  if (effect == FaultPage::kKill) return Verdict::kDie;
  if (effect == FaultPage::kTear) return Verdict::kDieAfter;
  errno = page->error;
  return Verdict::kFail;
}

[[noreturn]] void Die() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

// `call` does the real thing, `half` a part of it. Gives what the caller sees.
template <typename Result, typename Call, typename Half>
Result Through(Verdict verdict, Call call, Half half) {
  if (verdict == Verdict::kPass) return call();
  if (verdict == Verdict::kFail) return Result{-1};
  if (verdict == Verdict::kDieAfter) half();
  Die();
}

Verdict OfFile(FaultPage::Call call, int fd) {
  const int kept = errno;
  const Verdict verdict = IsUs(call) && IsFileOfOurs(fd) ? Judge() : Verdict::kPass;
  if (verdict != Verdict::kFail) errno = kept;
  return verdict;
}

template <typename Offset>
ssize_t PwriteThrough(Real<ssize_t (*)(int, const void*, size_t, Offset)>& real, int fd, const void* data,
                      size_t size, Offset offset) {
  return Through<ssize_t>(
      OfFile(FaultPage::kWrite, fd), [&] { return real(fd, data, size, offset); },
      [&] { return real(fd, data, size / 2, offset); });
}

int SyncThrough(Real<int (*)(int)>& real, int fd) {
  return Through<int>(
      OfFile(FaultPage::kSync, fd), [&] { return real(fd); }, [&] { return real(fd); });
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  static constinit Real<ssize_t (*)(int, const void*, size_t)> real("write");
  return Through<ssize_t>(
      OfFile(FaultPage::kWrite, fd), [&] { return real(fd, data, size); },
      [&] { return real(fd, data, size / 2); });
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  static constinit Real<ssize_t (*)(int, const iovec*, int)> real("writev");
  return Through<ssize_t>(
      OfFile(FaultPage::kWrite, fd), [&] { return real(fd, pieces, count); },
      [&] { return real(fd, pieces, count / 2); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  static constinit Real<ssize_t (*)(int, const void*, size_t, off_t)> real("pwrite");
  return PwriteThrough(real, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  static constinit Real<ssize_t (*)(int, const void*, size_t, off64_t)> real("pwrite64");
  return PwriteThrough(real, fd, data, size, offset);
}

int fsync(int fd) {
  static constinit Real<int (*)(int)> real("fsync");
  return SyncThrough(real, fd);
}

int fdatasync(int fd) {
  static constinit Real<int (*)(int)> real("fdatasync");
  return SyncThrough(real, fd);
}

int rename(const char* from, const char* to) noexcept {
  static constinit Real<int (*)(const char*, const char*)> real("rename");
  const bool counts = IsUs(FaultPage::kRename) && IsUnder(to, page->folder);
  return Through<int>(
      counts ? Judge() : Verdict::kPass, [&] { return real(from, to); }, [&] { return real(from, to); });
}

int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
  // Not decltype: its attributes are none of a type's.
  static constinit Real<int (*)(pid_t*, const char*, const posix_spawn_file_actions_t*,
                                const posix_spawnattr_t*, char* const*, char* const*)>
      real("posix_spawn");
  const auto spawn = [&] { return real(pid, path, actions, attributes, arguments, environment); };
  const Verdict verdict = IsUs(FaultPage::kSpawn) ? Judge() : Verdict::kPass;
  return verdict == Verdict::kFail ? page->error : Through<int>(verdict, spawn, spawn);
}

ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  static constinit Real<ssize_t (*)(int, const msghdr*, int)> real("sendmsg");
  const auto send = [&] { return real(socket, message, flags); };
  return Through<ssize_t>(IsUs(FaultPage::kSocket) ? Judge() : Verdict::kPass, send, send);
}

ssize_t recvmsg(int socket, msghdr* message, int flags) {
  static constinit Real<ssize_t (*)(int, msghdr*, int)> real("recvmsg");
  const auto receive = [&] { return real(socket, message, flags); };
  return Through<ssize_t>(IsUs(FaultPage::kSocket) ? Judge() : Verdict::kPass, receive, receive);
}

int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  static constinit Real<int (*)(void**, size_t, size_t)> real("posix_memalign");
  const auto allocate = [&] { return real(memory, alignment, size); };
  const int kept = errno;  // which this call leaves alone
  const bool counts = IsUs(FaultPage::kAllocate) && IsOfC10(__builtin_return_address(0));
  const Verdict verdict = counts ? Judge() : Verdict::kPass;
  errno = kept;
  return verdict == Verdict::kFail ? page->error : Through<int>(verdict, allocate, allocate);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static constinit Real<int (*)(clockid_t, timespec*)> real("clock_gettime");
  const int result = real(clock, time);
  if (result != 0 || clock != CLOCK_REALTIME || page == nullptr) return result;
  const int64_t step = page->clock_step_ns;
  time->tv_sec += step / kSecond;
  return result;
}

// The kernel's clock does not step: what waits until a moment of ours (abseil does) waits until that of the
// kernel.
long syscall(long number, ...) noexcept {
  static constinit Real<long (*)(long, long, long, long, long, long, long)> real("syscall");
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  timespec moved;
  const bool is_until =
      number == SYS_futex && (arguments[1] & FUTEX_CLOCK_REALTIME) != 0 && arguments[3] != 0;
  if (is_until && page != nullptr && page->clock_step_ns != 0) {
    moved = *reinterpret_cast<const timespec*>(arguments[3]);
    moved.tv_sec -= page->clock_step_ns / kSecond;
    arguments[3] = reinterpret_cast<long>(&moved);
  }
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

}  // extern "C"
