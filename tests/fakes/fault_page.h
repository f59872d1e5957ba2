#pragma once

#include <atomic>
#include <cstdint>

namespace mae {

/// What a test tells programs that were started with libfault_preload.so before the C library: one page of
/// memory, a file named by MAE_FAULT_PAGE, that both map. One fault at a time: fill the fields, then set
/// `armed`.
struct FaultPage {
  enum Call : int32_t {
    kWrite,
    kSync,
    kRename,
    kAnyFileCall,  ///< one of those above
    kSpawn,
    kSocket,  ///< sendmsg and recvmsg, by which gRPC's connections go
    /// posix_memalign where LibTorch has the memory of tensors from. Its oneDNN has objects from there too,
    /// and does not check that: without those a program ends by SIGSEGV, and nobody can mend it here.
    kAllocate,
  };
  enum Effect : int32_t {
    kFail,    ///< the call fails with `error`, without effect
    kKill,    ///< SIGKILL before the call
    kTear,    ///< of a write: half of it is written, then SIGKILL; of other calls as kKill, but after them
    kFailOn,  ///< as kFail, and all such calls after it, until disarmed
  };

  std::atomic<int32_t> armed;          ///< not 0: the fields below count
  std::atomic<int64_t> countdown;      ///< calls that still pass; counted down by whoever makes them
  std::atomic<int64_t> hits;           ///< calls that were made to fail, or to kill
  std::atomic<int64_t> clock_step_ns;  ///< added to CLOCK_REALTIME, armed or not
  Call call;
  Effect effect;
  int32_t error;
  char program[32];  ///< whose calls: the file name of the executable, up to 15 characters
  char folder[256];  ///< of calls about files, only those below it; canonical
};

}  // namespace mae
