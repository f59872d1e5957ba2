#pragma once

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace mae {

/// Names one process for good: a pid can be used again, a pid with its start time can't.
struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat: clock ticks since boot
  bool operator==(const ProcessIdentity&) const = default;
};

/// The identity of whatever has this pid now, a zombie too. NOT_FOUND if nothing has;
/// other errors say nothing of it, as RESOURCE_EXHAUSTED where descriptors are used up. Thread-safe.
absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid);

/// True if that very process is seen to exist and has not ended (a zombie has). False also where it can't be
/// looked at, as without a descriptor: JobProcess::Adopt tells these apart. Thread-safe.
bool IsRunning(const ProcessIdentity& identity);

}  // namespace mae
