#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"

/// What every target has: libFuzzer's entry, and how it says that something does not hold. See
/// docs/fuzzing.md.

/// Feeds one input to the code under test; called over and over in one process, on one thread. Returns 0.
/// What does not hold aborts the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mae {

[[noreturn]] inline void Broken(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  std::abort();
}

/// Whether a parser refused its input as what it is: somebody's wrong bytes, not a fault of the server.
inline bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsDataLoss(status) || absl::IsNotFound(status) ||
         absl::IsResourceExhausted(status);
}

}  // namespace mae

/// Holds for every input, or the input is a finding.
#define FUZZ_REQUIRE(condition)                                      \
  do {                                                               \
    if (!(condition)) ::mae::Broken(__FILE__, __LINE__, #condition); \
  } while (false)
