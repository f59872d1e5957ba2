#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mae {

/// How long a wait may take before its test gives up: no measure of speed, so far above what a slow and busy
/// machine needs.
constexpr absl::Duration kPatience = absl::Minutes(10);

/// How a program ended and what it printed.
struct ProgramResult {
  int exit_code = -1;  ///< 128 + N if signal N ended it; -1 if it was killed for outliving its deadline
  std::string out, err;
};

/// A program under test, run as users run it. Its output goes to files in `scratch`. Throws std::system_error
/// if it cannot be started. Destroying it kills it.
class ChildProcess {
 public:
  ChildProcess(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment,
               const std::filesystem::path& scratch);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void Signal(int signal) const;
  /// Waits for its end; kills it when kPatience has passed.
  ProgramResult Wait();
  bool Running() const;
  /// What it has printed so far.
  std::string Out() const;
  std::string Err() const;
  pid_t pid() const { return pid_; }

 private:
  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  bool reaped_ = false;
};

/// Runs a program to its end.
ProgramResult RunProgram(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment,
                         const std::filesystem::path& scratch);

/// The path of one of the project's binaries.
std::string BinaryPath(const std::string& name);

/// Asks `condition` until it holds or `timeout` has passed; whether it held.
template <typename Condition>
bool Eventually(Condition condition, absl::Duration timeout = kPatience) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return true;
}

}  // namespace mae
