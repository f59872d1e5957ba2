#include "trainer/slurm_agent.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "trainer/run_record.h"
#include "trainer/slurm_job.h"

namespace mae {
namespace {

constexpr absl::Duration kPoll = absl::Seconds(1);
// A signal that comes before a job has begun its ranks reaches nobody.
constexpr absl::Duration kStopAgain = absl::Seconds(5);
constexpr absl::Duration kSettling =
    absl::Seconds(30);  // for job.db to show on this machine what a node wrote

// Cancels a Slurm job when this process ends without having said that it is done, be it by SIGKILL.
class CancelGuard {
 public:
  explicit CancelGuard(const std::string& id) {
    std::array<int, 2> ends = {-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) == 0) pid_ = fork();
    if (pid_ == 0) WaitAndCancel(ends[0], ends[1], id.c_str());
    if (pid_ < 0)
      spdlog::warn("Slurm job {} is not cancelled if this process is killed: {}", id, strerror(errno));
    if (ends[0] >= 0) close(ends[0]);
    told_ = ends[1];
  }
  ~CancelGuard() {
    const char done = 1;
    if (pid_ > 0 && write(told_, &done, 1) != 1) kill(pid_, SIGKILL);
    if (told_ >= 0) close(told_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  CancelGuard(const CancelGuard&) = delete;
  CancelGuard& operator=(const CancelGuard&) = delete;

 private:
  // The child: a read that ends without a byte is the parent's end.
  [[noreturn]] static void WaitAndCancel(int end, int parents_end, const char* id) {
    close(parents_end);
    signal(SIGTERM, SIG_IGN);  // those are for the parent
    signal(SIGINT, SIG_IGN);
    char done = 0;
    if (read(end, &done, 1) == 1) _exit(0);
    execlp("scancel", "scancel", id, nullptr);
    _exit(127);
  }

  pid_t pid_ = -1;
  int told_ = -1;
};

// One submission.
class SlurmRun {
 public:
  static absl::StatusOr<std::unique_ptr<SlurmRun>> Start(const JobFolder& folder, const JobOptions& options) {
    MAE_RETURN_IF_ERROR(SlurmJob::CancelLeftovers(folder));
    MAE_ASSIGN_OR_RETURN(SlurmJob job, SlurmJob::Submit(folder, options));
    auto run = std::make_unique<SlurmRun>(std::move(job));
    // Before a rank may write there.
    TellJob(folder, "info", absl::StrCat("submitted as Slurm job ", run->job_.id()));
    const absl::Status released = run->job_.Release();
    if (released.ok()) return run;
    const absl::Status cancelled = run->job_.Cancel();  // else it would be held for good
    if (!cancelled.ok()) spdlog::error("Slurm job {} stays held: {}", run->job_.id(), cancelled.ToString());
    return released;
  }
  explicit SlurmRun(SlurmJob job) : job_(std::move(job)), guard_(job_.id()) {}

  // To the job's end. @return its last state.
  std::string Wait(const std::atomic<bool>& stop) {
    absl::Time stop_again = absl::InfinitePast();
    while (true) {
      if (stop && absl::Now() >= stop_again) {
        Complain(job_.Stop());
        stop_again = absl::Now() + kStopAgain;
      }
      const auto state = job_.State();
      Complain(state.status());
      if (state.ok() && HasEndedInSlurm(*state)) return *state;
      if (state.ok() && *state != last_state_) Tell(*state);
      absl::SleepFor(kPoll);
    }
  }

  const std::string& id() const { return job_.id(); }

 private:
  // A controller that is away for a while is no end of the job.
  void Complain(const absl::Status& status) {
    if (status.ok()) {
      complained_ = false;
    } else if (!std::exchange(complained_, true)) {
      spdlog::warn("Slurm does not answer, will try again: {}", status.ToString());
    }
  }
  void Tell(const std::string& state) {
    last_state_ = state;
    const auto reason = job_.Reason();
    spdlog::info("Slurm job {}: {}{}", job_.id(), state,
                 state == "PENDING" && reason.ok() ? absl::StrCat(" (", *reason, ")") : "");
  }

  const SlurmJob job_;
  const CancelGuard guard_;
  std::string last_state_;
  bool complained_ = false;
};

bool IsFinal(JobState state) {
  return state == JobState::kSucceeded || state == JobState::kStopped || state == JobState::kFailed;
}

// What rank 0 has recorded. A file system of several machines may show it late.
std::optional<JobState> RecordedEnd(const JobFolder& folder, const std::string& slurm_state) {
  // What it ended by itself, well or not, it has recorded, unless it lost another rank.
  const bool was_recorded = slurm_state == "COMPLETED" || slurm_state == "FAILED";
  const absl::Time deadline = absl::Now() + (was_recorded ? kSettling : absl::ZeroDuration());
  while (true) {
    const auto state = LastState(folder);
    if (state.ok() && IsFinal(*state)) return *state;
    if (absl::Now() >= deadline) return std::nullopt;
    absl::SleepFor(absl::Milliseconds(200));
  }
}

// Ends that are Slurm's business, and no fault of the job.
bool WasTakenAway(const std::string& state) { return state == "TIMEOUT" || state == "PREEMPTED"; }
// Ends at which ranks that nobody asked to stop may have been told to.
bool MustGoOn(const std::string& state) {
  return WasTakenAway(state) || state == "NODE_FAIL" || state == "BOOT_FAIL";
}

}  // namespace

absl::Status LeaveSlurm(const JobFolder& folder) {
  std::error_code error;
  if (!std::filesystem::exists(SlurmScript(folder), error)) return absl::OkStatus();
  MAE_RETURN_IF_ERROR(SlurmJob::CancelLeftovers(folder));
  std::filesystem::remove(SlurmScript(folder), error);  // one that stays is asked about again
  return absl::OkStatus();
}

ExitCode RunOnSlurm(const JobFolder& folder, const JobOptions& options, const std::atomic<bool>& stop) {
  // The server has made it so; a job without a server begins here.
  const absl::Status made = JobDbWriter::Open(folder.database(), JobDbReach::kSeveralMachines).status();
  if (!made.ok()) {
    spdlog::error("{}", made.ToString());
    return kFailed;
  }
  for (int64_t restarts = 0;;) {
    const auto run = SlurmRun::Start(folder, options);
    if (!run.ok()) {
      return FailJob(folder, run.status().code(),
                     absl::StrCat("the job can't be handed to Slurm: ", std::string(run.status().message())));
    }
    const std::string state = (*run)->Wait(stop);
    const auto end = RecordedEnd(folder, state);
    const bool goes_on = MustGoOn(state) && !stop;
    if (end == JobState::kFailed) return kFailed;
    if (end == JobState::kSucceeded || (end == JobState::kStopped && !goes_on)) return kDone;
    const std::string what = absl::StrCat("Slurm job ", (*run)->id(), " ended as ", state);
    if (stop)
      return EndJob(folder, JobState::kStopped, absl::OkStatus(),
                    absl::StrCat(what, ", without a last checkpoint"));
    if (state == "CANCELLED") {
      return FailJob(
          folder, absl::StatusCode::kCancelled,
          absl::StrCat(what, ": somebody cancelled it; resume the job to go on from its last checkpoint"));
    }
    if (!WasTakenAway(state) && restarts++ >= options.max_restarts) {
      return FailJob(
          folder, absl::StatusCode::kUnavailable,
          absl::StrCat(
              what, ", after ", options.max_restarts,
              " restarts; resume the job to go on from its last checkpoint; trainer.log has its words"));
    }
    TellOfRestart(folder, what, WasTakenAway(state) ? "" : RestartOf(restarts, options.max_restarts));
  }
}

}  // namespace mae
