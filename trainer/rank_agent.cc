#include "trainer/rank_agent.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "trainer/child_process.h"
#include "trainer/run_job.h"
#include "trainer/run_record.h"

namespace mae {
namespace {

using std::chrono::steady_clock;

// Ranks that lose one another say so within moments; one that hangs does not.
constexpr auto kGrace = std::chrono::seconds(5);
constexpr int kPollMs = 200;

struct Rank {
  std::unique_ptr<JobProcess> process;
  std::optional<ProcessExit> exit;
};

bool IsDone(const ProcessExit& exit) { return exit.exit_code == kDone; }
// For a reason of its own, which would come again.
bool HasFailed(const ProcessExit& exit) {
  return exit.exit_code && *exit.exit_code != kDone && *exit.exit_code != kRankLost;
}

// One start of all ranks.
class Attempt {
 public:
  Attempt(const JobFolder& folder, const JobOptions& options)
      : folder_(folder),
        ranks_(static_cast<size_t>(options.processes)),
        meeting_file_(folder.root() / "ranks.meeting") {}
  ~Attempt() {
    SignalAll(SIGKILL);
    std::error_code ignored;  // the next attempt removes it first
    std::filesystem::remove(meeting_file_, ignored);
  }

  absl::Status Start() {
    std::error_code error;
    std::filesystem::remove(meeting_file_, error);
    if (error) return absl::InternalError(absl::StrCat(meeting_file_.string(), ": ", error.message()));
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      MAE_ASSIGN_OR_RETURN(ranks_[rank].process, StartRank(rank));
    }
    return absl::OkStatus();
  }

  // Until all have ended; the first one that ends otherwise than well leaves the others a grace.
  void Wait(const std::atomic<bool>& stop) {
    bool told_to_stop = false;
    std::optional<steady_clock::time_point> kill_at;
    while (Look()) {
      if (stop && !std::exchange(told_to_stop, true)) SignalAll(SIGTERM);
      if (!kill_at && IsBroken()) kill_at = steady_clock::now() + kGrace;
      if (kill_at && steady_clock::now() >= *kill_at) SignalAll(SIGKILL);
      Sleep();
    }
  }

  // Rank 0 records and exports for all: what becomes of the others after that is no matter.
  bool is_done() const { return IsDone(*ranks_[0].exit); }
  bool has_failed() const {
    return std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return HasFailed(*rank.exit); });
  }
  // "rank 0: exit code 4, rank 1: signal 9 (Killed)", of those that did not end well.
  std::string Describe() const {
    std::string text;
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      if (IsDone(*ranks_[rank].exit)) continue;
      absl::StrAppend(&text, text.empty() ? "" : ", ", "rank ", rank, ": ", ranks_[rank].exit->Describe());
    }
    return text;
  }

 private:
  absl::StatusOr<std::unique_ptr<JobProcess>> StartRank(size_t rank) const {
    const size_t ranks = ranks_.size();
    return StartChild(OwnCommandLine(),
                      {absl::StrCat("RANK=", rank), absl::StrCat("WORLD_SIZE=", ranks),
                       absl::StrCat("LOCAL_RANK=", rank), absl::StrCat("LOCAL_WORLD_SIZE=", ranks),
                       absl::StrCat("MAE_MEETING_FILE=", meeting_file_.string()), kFolderIsLocked});
  }

  // Takes note of those that have ended. @return whether one has not.
  bool Look() {
    bool any = false;
    for (Rank& rank : ranks_) {
      if (!rank.exit) rank.exit = rank.process->TryWait();
      any |= !rank.exit.has_value();
    }
    return any;
  }

  bool IsBroken() const {
    return std::any_of(ranks_.begin(), ranks_.end(),
                       [](const Rank& rank) { return rank.exit && !IsDone(*rank.exit); });
  }

  void SignalAll(int signal) {
    for (Rank& rank : ranks_) {
      if (rank.process != nullptr && !rank.exit)
        (void)rank.process->Signal(signal);  // it may have ended just now
    }
  }

  void Sleep() const {
    std::vector<pollfd> ends;
    for (const Rank& rank : ranks_) {
      if (!rank.exit) ends.push_back({rank.process->poll_fd(), POLLIN, 0});
    }
    poll(ends.data(), ends.size(), kPollMs);  // a signal ends it too
  }

  const JobFolder& folder_;
  std::vector<Rank> ranks_;
  const std::filesystem::path meeting_file_;
};

}  // namespace

ExitCode RunRanks(const JobFolder& folder, const JobOptions& options, const std::atomic<bool>& stop) {
  for (int64_t restart = 0;; ++restart) {
    Attempt attempt(folder, options);
    const absl::Status started = attempt.Start();
    if (!started.ok()) {
      return FailJob(folder, started.code(),
                     absl::StrCat("the job's processes can't be started: ", std::string(started.message())));
    }
    attempt.Wait(stop);
    if (attempt.is_done()) return kDone;
    const std::string what = attempt.Describe();
    if (attempt.has_failed()) {
      return FailJob(folder, absl::StatusCode::kInternal,
                     absl::StrCat("a process failed (", what, "); trainer.log says why"));
    }
    if (stop) {
      return EndJob(
          folder, JobState::kStopped, absl::OkStatus(),
          absl::StrCat("stopped without a last checkpoint: processes lost one another (", what, ")"));
    }
    if (restart >= options.max_restarts) {
      return FailJob(
          folder, absl::StatusCode::kUnavailable,
          absl::StrCat("processes lost one another ", restart + 1, " times (", what,
                       "); resume the job to go on from its last checkpoint; trainer.log has their words"));
    }
    TellOfRestart(folder, absl::StrCat("processes lost one another (", what, ")"),
                  RestartOf(restart + 1, options.max_restarts));
  }
}

}  // namespace mae
