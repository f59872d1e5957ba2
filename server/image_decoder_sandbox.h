#pragma once

#include <cstdint>

namespace mae {

/// From here on this process can compute, take memory and talk over what is open, and nothing else: no file,
/// connection, process, signal to others or new code; calls of the system for that fail with EPERM
/// (seccomp(2)), for good. Call it with one thread. Under a sanitizer, which needs more, it does nothing.
/// @param max_memory bytes of address space
/// @return null, or what the system lacks; the rest is done then.
const char* ShutSandbox(uint64_t max_memory);

}  // namespace mae
