#include "job/job_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/spawn_plan.h"
#include "base/status_macros.h"
#include "job/trainer_environment.h"

namespace mae {
namespace {

// glibc 2.36 has wrappers for these, older ones and other libraries have not.
int OpenPidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
int SignalPidfd(int pidfd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

absl::Status SystemError(int error, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", strerror(error));
  if (error == ENOENT || error == ESRCH) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  if (error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSPC) {
    return absl::ResourceExhaustedError(message);
  }
  return absl::InternalError(message);
}

class PidfdProcess : public JobProcess {
 public:
  PidfdProcess(ProcessIdentity identity, int pidfd) : identity_(identity), pidfd_(pidfd) {}
  ~PidfdProcess() override { close(pidfd_); }

  ProcessIdentity identity() const override { return identity_; }
  int poll_fd() const override { return pidfd_; }

  std::optional<ProcessExit> TryWait() override {
    if (exit_) return exit_;
    siginfo_t info = {};
    if (waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED | WNOHANG) == 0) {
      if (info.si_pid != 0) exit_ = ExitOf(info);
    } else if (HasEnded()) {
      exit_ = ProcessExit{};  // Not our child: the kernel tells its exit to nobody else.
    }
    return exit_;
  }

  absl::Status Signal(int signal) override {
    if (SignalPidfd(pidfd_, signal) == 0) return absl::OkStatus();
    return SystemError(errno, absl::StrCat("can't send signal ", signal, " to process ", identity_.pid));
  }

  bool HasEnded() const {
    pollfd poll_for_end = {pidfd_, POLLIN, 0};
    return poll(&poll_for_end, 1, 0) == 1;
  }

 private:
  static ProcessExit ExitOf(const siginfo_t& info) {
    ProcessExit exit;
    (info.si_code == CLD_EXITED ? exit.exit_code : exit.signal) = info.si_status;
    return exit;
  }

  const ProcessIdentity identity_;
  const int pidfd_;
  std::optional<ProcessExit> exit_;
};

}  // namespace

std::string ProcessExit::Describe() const {
  if (exit_code) return absl::StrCat("exit code ", *exit_code);
  if (signal) return absl::StrCat("signal ", *signal, " (", strsignal(*signal), ")");
  return "an unknown cause (an earlier server had started it)";
}

absl::StatusOr<std::unique_ptr<JobProcess>> JobProcess::Spawn(const std::filesystem::path& trainer,
                                                              const JobFolder& folder,
                                                              const std::vector<std::string>& options) {
  SpawnPlan plan;
  plan.Open(STDIN_FILENO, "/dev/null", O_RDONLY);
  plan.Open(STDOUT_FILENO, folder.log().string(), O_WRONLY | O_CREAT | O_APPEND);
  plan.Give(STDERR_FILENO, STDOUT_FILENO);
  std::vector<std::string> command = {trainer.string(), "--job-dir", folder.root().string()};
  command.insert(command.end(), options.begin(), options.end());
  MAE_ASSIGN_OR_RETURN(const pid_t pid, plan.Run(std::move(command), TrainerEnvironment()));
  return WatchChild(pid);
}

absl::StatusOr<std::unique_ptr<JobProcess>> JobProcess::WatchChild(pid_t pid) {
  // Nobody else reaps this child, so the pid is still its own, even if it has ended already.
  const int pidfd = OpenPidfd(pid);
  const int error = errno;
  absl::StatusOr<ProcessIdentity> identity = IdentifyProcess(pid);
  if (pidfd >= 0 && identity.ok()) return std::make_unique<PidfdProcess>(*identity, pidfd);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  if (pidfd < 0) return SystemError(error, absl::StrCat("can't watch process ", pid, " (needs Linux 5.4)"));
  close(pidfd);
  return identity.status();
}

absl::StatusOr<std::unique_ptr<JobProcess>> JobProcess::Adopt(ProcessIdentity identity) {
  const int pidfd = OpenPidfd(identity.pid);
  if (pidfd < 0) return SystemError(errno, absl::StrCat("can't adopt process ", identity.pid));
  auto process = std::make_unique<PidfdProcess>(identity, pidfd);
  // Compared after the pidfd is open: from then on it can't come to mean another process.
  MAE_ASSIGN_OR_RETURN(const ProcessIdentity found, IdentifyProcess(identity.pid));
  if (found == identity && !process->HasEnded()) return process;
  return absl::NotFoundError(absl::StrCat("process ", identity.pid, " has ended"));
}

}  // namespace mae
