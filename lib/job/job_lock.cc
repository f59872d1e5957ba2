#include "job/job_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_state.h"

namespace mae {
namespace {

constexpr int kAttempts = 50;
constexpr absl::Duration kPause = absl::Milliseconds(20);

std::optional<ProcessIdentity> NamedHolder(const JobFolder& folder) {
  std::ifstream file(folder.lock());
  ProcessIdentity identity;
  if (!(file >> identity.pid >> identity.start_ticks)) return std::nullopt;
  return identity;
}

// A name is left behind by holders that have ended; only the lock itself says that one lives.
absl::StatusOr<bool> IsLocked(const JobFolder& folder) {
  const int fd = open(folder.lock().c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return false;
    return absl::InternalError(absl::StrCat(folder.lock().string(), ": can't open: ", strerror(errno)));
  }
  const bool locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return locked;
}

absl::Status WriteName(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(const ProcessIdentity self, IdentifyProcess(getpid()));
  std::ofstream file(folder.lock(), std::ios::trunc);
  file << self.pid << ' ' << self.start_ticks << '\n';
  file.close();
  if (file) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(folder.lock().string(), ": can't write this process's name"));
}

absl::Status HeldBy(const std::optional<ProcessIdentity>& holder, const JobFolder& folder) {
  return absl::FailedPreconditionError(absl::StrCat(
      folder.root().string(), " is in use by ",
      holder ? absl::StrCat("process ", holder->pid) : "another process", "; wait for it to end or stop it"));
}

}  // namespace

absl::StatusOr<FileLock> LockJobFolder(const JobFolder& folder) {
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<FileLock> lock = FileLock::Acquire(folder.lock());
    if (lock.ok()) {
      MAE_RETURN_IF_ERROR(WriteName(folder));
      return lock;
    }
    if (!absl::IsFailedPrecondition(lock.status())) return lock.status();
    if (attempt == kAttempts) return HeldBy(NamedHolder(folder), folder);
    absl::SleepFor(kPause);
  }
}

absl::StatusOr<FileLock> LockJobToRun(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(FileLock lock, LockJobFolder(folder));
  const auto reader = JobDbReader::Open(folder.database());
  if (absl::IsNotFound(reader.status())) return lock;
  if (!reader.ok()) return reader.status();
  MAE_ASSIGN_OR_RETURN(const JobSummary summary, (*reader)->Summary());
  if (!summary.state || !IsEnded(summary.state->state)) return lock;
  return absl::FailedPreconditionError(absl::StrCat(folder.root().string(), " holds a job that is ",
                                                    std::string(JobStateName(summary.state->state)),
                                                    "; nothing to run"));
}

absl::StatusOr<std::optional<ProcessIdentity>> RunningTrainer(const JobFolder& folder) {
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    MAE_ASSIGN_OR_RETURN(const bool locked, IsLocked(folder));
    if (!locked) return std::optional<ProcessIdentity>();
    const std::optional<ProcessIdentity> holder = NamedHolder(folder);
    if (holder && holder->pid != getpid() && IsRunning(*holder)) return holder;
    absl::SleepFor(kPause);
  }
  return absl::UnavailableError(
      absl::StrCat(folder.lock().string(), " is locked, but by whom it does not say"));
}

}  // namespace mae
