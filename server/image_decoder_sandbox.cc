#include "server/image_decoder_sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mae {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox does not know this processor's calls"
#endif

constexpr uint32_t kAllowed[] = {SYS_read,
                                 SYS_write,
                                 SYS_recvfrom,
                                 SYS_sendto,
                                 SYS_ppoll,
#ifdef SYS_poll
                                 SYS_poll,
#endif
#ifdef SYS_restart_syscall
                                 SYS_restart_syscall,  // of a poll that SIGSTOP and SIGCONT interrupted
#endif
                                 SYS_brk,
                                 SYS_munmap,
                                 SYS_mremap,
                                 SYS_madvise,
                                 SYS_futex,
                                 SYS_exit,
                                 SYS_exit_group,
                                 SYS_rt_sigreturn,
                                 SYS_rt_sigprocmask,
                                 SYS_clock_gettime,
                                 SYS_gettimeofday,
                                 SYS_getrandom,
                                 SYS_sched_yield,
                                 SYS_sched_getaffinity,
                                 SYS_getpid,
                                 SYS_gettid};

// Memory, that is, but no code.
constexpr uint32_t kAllowedWithoutCode[] = {SYS_mmap, SYS_mprotect};
constexpr uint32_t kProtection =
    offsetof(seccomp_data, args) + 2 * sizeof(uint64_t);  // of both, little-endian

sock_filter Load(uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter Return(uint32_t verdict) { return BPF_STMT(BPF_RET | BPF_K, verdict); }
sock_filter IfEqual(uint32_t value, uint8_t then_skip, uint8_t else_skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then_skip, else_skip);
}

std::vector<sock_filter> Filter() {
  constexpr uint32_t kRefuse = SECCOMP_RET_ERRNO | EPERM;
  std::vector<sock_filter> filter = {Load(offsetof(seccomp_data, arch)), IfEqual(kArchitecture, 1, 0),
                                     Return(SECCOMP_RET_KILL_PROCESS), Load(offsetof(seccomp_data, nr))};
  for (const uint32_t call : kAllowed) {
    filter.push_back(IfEqual(call, 0, 1));
    filter.push_back(Return(SECCOMP_RET_ALLOW));
  }
  for (const uint32_t call : kAllowedWithoutCode) {
    filter.push_back(IfEqual(call, 0, 4));
    filter.push_back(Load(kProtection));
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
    filter.push_back(Return(kRefuse));
    filter.push_back(Return(SECCOMP_RET_ALLOW));
  }
  filter.push_back(Return(kRefuse));
  return filter;
}

void Limit(__rlimit_resource resource, rlim_t most) {
  const rlimit limit = {most, most};
  setrlimit(resource, &limit);
}

}  // namespace

const char* ShutSandbox(uint64_t max_memory) {
  Limit(RLIMIT_CORE, 0);  // A core would have the picture.
  if (kIsSanitized) return nullptr;
  Limit(RLIMIT_AS, max_memory);
  std::vector<sock_filter> filter = Filter();
  const sock_fprog program = {static_cast<uint16_t>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0)  // all threads
    return nullptr;
  return "seccomp";
}

}  // namespace mae
