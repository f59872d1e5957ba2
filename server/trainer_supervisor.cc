#include "server/trainer_supervisor.h"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/catch_all.h"
#include "base/log_lines.h"
#include "base/status_macros.h"
#include "job/job_lock.h"
#include "server/job_finish.h"

namespace mae {
namespace {

using std::chrono::steady_clock;

// A trainer's exit code for "another trainer holds this job's folder".
constexpr int kExitFolderInUse = 3;
// While a trainer is STARTING its job.db tells when it runs; nothing wakes us then.
constexpr int kStartingPollMs = 200;
constexpr int kIdlePollMs = 60'000;

const std::vector<JobState> kWithTrainer = {JobState::kStarting, JobState::kRunning, JobState::kStopping};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainerSupervisor>> TrainerSupervisor::Create(Options options,
                                                                             JobLedger& ledger,
                                                                             JobTable& table,
                                                                             ModelStore& models) {
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return absl::InternalError(absl::StrCat("eventfd: ", strerror(errno)));
  std::unique_ptr<TrainerSupervisor> supervisor(
      new TrainerSupervisor(std::move(options), ledger, table, models, wake_fd));
  MAE_RETURN_IF_ERROR(supervisor->Recover());
  supervisor->PublishCount();
  supervisor->thread_ = JoinedThread([raw = supervisor.get()] { raw->Loop(); });
  return supervisor;
}

TrainerSupervisor::~TrainerSupervisor() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  Wake();
  thread_.Join();
  settlers_ = nullptr;  // they wake
  close(wake_fd_);
}

void TrainerSupervisor::Wake() {
  const uint64_t one = 1;
  // A full counter wakes as well.
  if (write(wake_fd_, &one, sizeof(one)) < 0 && errno != EAGAIN)
    spdlog::error("eventfd: {}", strerror(errno));
}

void TrainerSupervisor::ReleaseQueue() {
  {
    absl::MutexLock lock(&mutex_);
    holds_queue_ = false;
  }
  Wake();
}

void TrainerSupervisor::HoldQueue() {
  absl::MutexLock lock(&mutex_);
  holds_queue_ = true;
}

absl::Status TrainerSupervisor::WaitUntilIdle(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return run_count_ == 0; };
  if (mutex_.AwaitWithDeadline(absl::Condition(&idle), deadline)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(run_count_, " jobs still run"));
}

absl::Status TrainerSupervisor::Recover() {
  MAE_RETURN_IF_ERROR(ledger_.Sweep());
  MAE_ASSIGN_OR_RETURN(std::vector<JobRecord> records, table_.List(0, kAllRows, kWithTrainer));
  for (const JobRecord& record : records) TakeUp(record);
  return absl::OkStatus();
}

void TrainerSupervisor::TakeUp(const JobRecord& record) {
  const absl::Status recovered = RecoverJob(record);
  if (recovered.ok()) return;
  // One job must not keep the server down: the thread tries again.
  spdlog::error("can't take up jobs/{}: {}", record.id, recovered.ToString());
  Run run;
  run.exit = ProcessExit{};
  // Where its folder is gone or damaged, no later try brings it back, and the job's end is settled. Otherwise
  // that would fail a job that perhaps never ran, because the disk was full for a moment.
  run.unrecovered = !absl::IsNotFound(recovered) && !absl::IsDataLoss(recovered);
  if (run.unrecovered) run.retry_at = steady_clock::now() + absl::ToChronoNanoseconds(options_.retry_delay);
  runs_[record.id] = std::move(run);
}

void TrainerSupervisor::RecoverAgain() {
  std::vector<std::string> due;
  for (const auto& [id, run] : runs_) {
    if (run.unrecovered && steady_clock::now() >= run.retry_at) due.push_back(id);
  }
  for (const std::string& id : due) {
    const auto record = ledger_.Find(id);
    if (!record.ok() && !absl::IsNotFound(record.status())) {
      RetrySettling(id, runs_[id], record.status());
      continue;
    }
    runs_.erase(id);
    if (record.ok()) TakeUp(*record);
  }
}

absl::Status TrainerSupervisor::RecoverJob(const JobRecord& record) {
  const LogScope scope{{"job", JobResourceName(record)}, {"request_id", record.request_id}};
  if (record.trainer) {
    auto process = JobProcess::Adopt(*record.trainer);
    if (process.ok()) {
      spdlog::info("jobs/{} goes on in process {}", record.id, record.trainer->pid);
      runs_[record.id].process = *std::move(process);
      return absl::OkStatus();
    }
  }
  const absl::Status adopted = AdoptHolder(record.id);
  if (adopted.ok()) return adopted;
  if (absl::IsNotFound(adopted) && record.state == JobState::kStarting && !record.trainer) {
    // The last server died between its claim and the trainer's start.
    return ledger_
        .Apply(record.id,
               [](JobRecord& row) -> absl::StatusOr<std::vector<JobEventBody>> {
                 row.state = JobState::kQueued;
                 return std::vector<JobEventBody>{StateEvent{JobState::kQueued, absl::OkStatus()}};
               })
        .status();
  }
  // Adopted or settled by the thread, which tries again while somebody unknown holds the folder.
  runs_[record.id].exit = ProcessExit{};
  return absl::OkStatus();
}

absl::Status TrainerSupervisor::AdoptHolder(const std::string& id) {
  MAE_ASSIGN_OR_RETURN(const std::optional<ProcessIdentity> holder, RunningTrainer(ledger_.Folder(id)));
  if (!holder) return absl::NotFoundError(absl::StrCat("no trainer runs jobs/", id));
  MAE_ASSIGN_OR_RETURN(auto process, JobProcess::Adopt(*holder));
  spdlog::info("jobs/{} goes on in process {}, found by its lock", id, holder->pid);
  Run run;
  run.process = std::move(process);
  runs_[id] = std::move(run);
  const absl::Status noted = ledger_.Edit(id, [&](JobRecord& row) {
    row.trainer = holder;
    if (row.state == JobState::kQueued) row.state = JobState::kRunning;
  });
  // It is supervised all the same: who is told of an error would take it for dead.
  if (!noted.ok()) spdlog::error("can't note the trainer of jobs/{}: {}", id, noted.ToString());
  return absl::OkStatus();
}

bool TrainerSupervisor::closing() {
  absl::MutexLock lock(&mutex_);
  return closing_;
}

bool TrainerSupervisor::holds_queue() {
  absl::MutexLock lock(&mutex_);
  return holds_queue_;
}

void TrainerSupervisor::PublishCount() {
  absl::MutexLock lock(&mutex_);
  run_count_ = runs_.size();
}

void TrainerSupervisor::Loop() {
  while (!closing()) {
    RecoverAgain();
    SettleEnded();
    StartQueued();
    FollowRows();
    PublishCount();
    Sleep();
  }
}

int64_t TrainerSupervisor::SlotsTaken() const {
  return std::count_if(runs_.begin(), runs_.end(), [](const auto& run) { return !run.second.exit; });
}

void TrainerSupervisor::StartQueued() {
  while (!holds_queue() && SlotsTaken() < options_.slots && steady_clock::now() >= start_not_before_) {
    const auto next = table_.NextQueued();
    if (next.ok() && !next->has_value()) return;
    // It was resumed before the end of its last run was taken note of.
    if (next.ok() && runs_.contains((*next)->id)) return;
    const absl::Status started = next.ok() ? Start(**next) : next.status();
    // A job that was stopped between the look and the claim is no longer ours to start.
    if (started.ok() || absl::IsAborted(started)) continue;
    // No later try brings a folder back, and the jobs behind it must not wait for one.
    if (next.ok() && (absl::IsNotFound(started) || absl::IsDataLoss(started)) &&
        FailWithoutFolder(**next, started).ok()) {
      continue;
    }
    spdlog::error("can't start a job, will try again: {}", started.ToString());
    start_not_before_ = steady_clock::now() + absl::ToChronoNanoseconds(options_.retry_delay);
  }
}

absl::Status TrainerSupervisor::FailWithoutFolder(const JobRecord& queued, const absl::Status& reason) {
  const LogScope scope{{"job", JobResourceName(queued)}, {"request_id", queued.request_id}};
  spdlog::error("jobs/{} failed: {}", queued.id, reason.ToString());
  return ledger_.Edit(queued.id, [&](JobRecord& row) {
    row.state = JobState::kFailed;
    row.error = absl::Status(
        reason.code(), absl::StrCat("the job's folder is missing or damaged: ", std::string(reason.message()),
                                    "; delete the job and start it anew"));
    row.ended = absl::Now();
  });
}

absl::Status TrainerSupervisor::Start(const JobRecord& queued) {
  const absl::StatusOr<JobRecord> claimed =
      ledger_.Apply(queued.id, [](JobRecord& row) -> absl::StatusOr<std::vector<JobEventBody>> {
        if (row.state != JobState::kQueued) return absl::AbortedError("the job does not wait any more");
        row.state = JobState::kStarting;
        if (!row.started) row.started = absl::Now();
        return std::vector<JobEventBody>{StateEvent{JobState::kStarting, absl::OkStatus()}};
      });
  // Another server's trainer may hold the folder: one job is never trained twice at once.
  if (absl::IsFailedPrecondition(claimed.status())) {
    const absl::Status adopted = AdoptHolder(queued.id);
    // A holder that has ended meanwhile is no folder that is missing: the next claim succeeds.
    return absl::IsNotFound(adopted) ? absl::UnavailableError(adopted.message()) : adopted;
  }
  MAE_RETURN_IF_ERROR(claimed.status());
  const absl::Status spawned = SpawnTrainer(queued);
  if (spawned.ok()) return spawned;
  const absl::Status failed =
      FailJob(queued.id,
              absl::Status(spawned.code(),
                           absl::StrCat("the trainer can't be started: ", std::string(spawned.message()),
                                        "; set jobs.trainer to the mae_trainer binary, then resume "
                                        "with `mae_client resume-job jobs/",
                                        queued.id, "`")),
              ledger_);
  // The row says STARTING and would for good: settled, again and again, like a trainer that has died.
  if (!failed.ok()) runs_[queued.id].exit = ProcessExit{};
  return failed;
}

absl::Status TrainerSupervisor::SpawnTrainer(const JobRecord& job) {
  const std::string& id = job.id;
  std::vector<std::string> more = {"--unless-ended"};  // This server may be gone before it has begun.
  if (options_.json_log) {
    more.emplace_back("--log-format=json");
    more.push_back(absl::StrCat("--request-id=", job.request_id));
  }
  MAE_ASSIGN_OR_RETURN(auto process, JobProcess::Spawn(options_.trainer, ledger_.Folder(id), more));
  const LogScope scope{{"job", JobResourceName(job)}, {"request_id", job.request_id}};
  const ProcessIdentity identity = process->identity();
  spdlog::info("jobs/{} starts in process {}", id, identity.pid);
  Run run;
  run.process = std::move(process);
  runs_[id] = std::move(run);
  const absl::Status noted = ledger_.Edit(id, [&](JobRecord& row) { row.trainer = identity; });
  // The trainer's lock names it as well, so a server that comes back still finds it.
  if (!noted.ok()) spdlog::error("can't note the trainer of jobs/{}: {}", id, noted.ToString());
  return absl::OkStatus();
}

void TrainerSupervisor::FollowRows() {
  any_starting_ = false;
  if (const absl::Status noted = ledger_.NoteRunning(); !noted.ok())
    spdlog::error("can't note which jobs run: {}", noted.ToString());
  const auto records = table_.List(0, kAllRows, kWithTrainer);
  if (!records.ok()) {
    spdlog::error("can't read the jobs: {}", records.status().ToString());
    return;
  }
  for (const JobRecord& record : *records) {
    const auto run = runs_.find(record.id);
    if (run != runs_.end() && run->second.process != nullptr && !run->second.exit)
      FollowRow(record, run->second);
  }
}

void TrainerSupervisor::FollowRow(const JobRecord& record, Run& run) {
  any_starting_ |= record.state == JobState::kStarting;
  if (record.state != JobState::kStopping || run.killed) return;
  const auto now = steady_clock::now();
  if (record.stop_at_once || (run.kill_at && now >= *run.kill_at)) {
    spdlog::warn("jobs/{}: the trainer is killed{}", record.id,
                 record.stop_at_once ? "" : ", it did not stop in time");
    run.killed = run.process->Signal(SIGKILL).ok();
  } else if (!run.kill_at) {
    // A trainer that has ended is settled in a moment, so a signal that meets none is no error.
    if (run.process->Signal(SIGTERM).ok()) run.kill_at = now + absl::ToChronoNanoseconds(options_.stop_grace);
  }
}

int TrainerSupervisor::SleepMilliseconds() const {
  int64_t sleep = any_starting_ ? kStartingPollMs : kIdlePollMs;
  const auto until = [&](SteadyTime time) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - steady_clock::now()).count();
    sleep = std::clamp<int64_t>(left, 0, sleep);
  };
  for (const auto& [id, run] : runs_) {
    if (run.kill_at && !run.killed && !run.exit) until(*run.kill_at);
    if (run.exit && !run.settling) until(run.retry_at);
  }
  if (start_not_before_ > steady_clock::now()) until(start_not_before_);
  return static_cast<int>(sleep);
}

void TrainerSupervisor::Sleep() {
  std::vector<pollfd> fds = {{wake_fd_, POLLIN, 0}};
  for (const auto& [id, run] : runs_) {
    if (run.process != nullptr && !run.exit) fds.push_back({run.process->poll_fd(), POLLIN, 0});
  }
  poll(fds.data(), fds.size(), SleepMilliseconds());
  uint64_t wakes = 0;
  if (read(wake_fd_, &wakes, sizeof(wakes)) < 0 && errno != EAGAIN)
    spdlog::error("eventfd: {}", strerror(errno));
}

void TrainerSupervisor::SettleEnded() {
  for (auto it = runs_.begin(); it != runs_.end();) {
    const std::string id = it->first;
    Run& run = it->second;
    if (!run.exit && run.process != nullptr) run.exit = run.process->TryWait();
    if (run.exit && !run.unrecovered && !run.settling && steady_clock::now() >= run.retry_at) {
      if (const absl::Status begun = Settle(id, run); !begun.ok()) RetrySettling(id, run, begun);
    }
    const auto settled = run.settling ? Settled(id) : std::nullopt;
    if (settled.has_value() && settled->ok()) {
      it = runs_.erase(it);
      continue;
    }
    if (settled.has_value()) RetrySettling(id, run, *settled);
    ++it;
  }
}

void TrainerSupervisor::RetrySettling(const std::string& id, Run& run, const absl::Status& reason) {
  spdlog::error("can't settle jobs/{}, will try again: {}", id, reason.ToString());
  run.settling = false;
  run.retry_at = steady_clock::now() + absl::ToChronoNanoseconds(options_.retry_delay);
}

absl::Status TrainerSupervisor::Settle(const std::string& id, Run& run) {
  // Where nothing is known of an end, there may have been none: that trainer could not be adopted before.
  const bool is_unknown = !run.exit->exit_code && !run.exit->signal;
  if (is_unknown || run.exit->exit_code == kExitFolderInUse) {
    const absl::Status adopted = AdoptHolder(id);
    if (adopted.ok() || !absl::IsNotFound(adopted)) return adopted;
  }
  run.settling = settlers_->TryPush([this, id, exit = *run.exit] {
    absl::Status finished =
        CatchAll("settling", [&] { return FinishJob(id, exit, ledger_, table_, models_); });
    if (absl::IsNotFound(finished)) finished = absl::OkStatus();
    {
      const absl::MutexLock lock(&mutex_);
      settled_[id] = std::move(finished);
    }
    Wake();
  });
  return run.settling ? absl::OkStatus() : absl::ResourceExhaustedError("too many jobs end at once");
}

std::optional<absl::Status> TrainerSupervisor::Settled(const std::string& id) {
  const absl::MutexLock lock(&mutex_);
  const auto told = settled_.extract(id);
  return told.empty() ? std::nullopt : std::optional<absl::Status>(told.mapped());
}

}  // namespace mae
