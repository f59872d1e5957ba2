#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Stands between this test binary and the system's write, fsync and rename, so that a test can end the
/// process or make a call fail at any of them, and see afterwards what was called. The system's own calls are
/// made unless a fault is due. For tests of one thread.
namespace mae::system_calls {

struct Call {
  std::string name;  ///< write, fsync or rename
  std::string path;  ///< of the file or folder; of a rename, where from
  std::string to;    ///< of a rename
};

/// Begins a new log without faults.
void Record();
/// As Record; at call number `index` (from 0) half of a write is done and nothing of another call, then the
/// process ends with kKilled.
void KillAt(int64_t index);
/// As Record; call number `index` fails with `error` (an errno), half of a write done.
void FailAt(int64_t index, int error);
/// Ends recording and faults. @return the calls since.
std::vector<Call> Stop();

inline constexpr int kKilled = 42;

}  // namespace mae::system_calls
