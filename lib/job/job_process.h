#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "job/job_folder.h"
#include "job/process_identity.h"

namespace mae {

/// How a process ended, as far as can be known: an adopted process leaves no exit code.
struct ProcessExit {
  std::optional<int> exit_code;
  std::optional<int> signal;
  /// "exit code 3", "signal 9 (Killed)" or "an unknown cause (an earlier server had started it)".
  std::string Describe() const;
};

/// A trainer, spawned by this process or adopted from a server that died. Destroying it leaves the trainer
/// running. Thread-safe for distinct objects.
class JobProcess {
 public:
  /// Starts `trainer --job-dir FOLDER` and the options in a session of its own, input from /dev/null, output
  /// appended to trainer.log, no other descriptor inherited (a listening socket would stay open after this
  /// process), no signal blocked or ignored, of the environment what a trainer needs
  /// (job/trainer_environment.h). Safe in a process with threads. NOT_FOUND if there is no such
  /// binary.
  static absl::StatusOr<std::unique_ptr<JobProcess>> Spawn(const std::filesystem::path& trainer,
                                                           const JobFolder& folder,
                                                           const std::vector<std::string>& options = {});
  /// Of a child that this process made itself, and that nobody has waited for. It is killed if it can't be
  /// watched.
  static absl::StatusOr<std::unique_ptr<JobProcess>> WatchChild(pid_t pid);
  /// Takes over a running process. NOT_FOUND if that process has ended (also if its pid lives on as another);
  /// other errors say nothing of it, as RESOURCE_EXHAUSTED where descriptors are used up.
  static absl::StatusOr<std::unique_ptr<JobProcess>> Adopt(ProcessIdentity identity);
  virtual ~JobProcess() = default;

  virtual ProcessIdentity identity() const = 0;
  /// A pidfd that polls readable when the process has ended. Owned by this object.
  virtual int poll_fd() const = 0;
  /// Never blocks. The exit once it has ended (reaped if a child), else nothing.
  virtual std::optional<ProcessExit> TryWait() = 0;
  /// SIGTERM: checkpoint and stop. SIGKILL: end at once. NOT_FOUND if it has ended.
  virtual absl::Status Signal(int signal) = 0;
};

}  // namespace mae
