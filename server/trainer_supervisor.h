#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"
#include "base/work_queue.h"
#include "job/job_process.h"
#include "server/job_ledger.h"
#include "serving/model_store.h"

namespace mae {

/// Makes trainers follow the table of jobs: starts the first QUEUED job while a slot is free, signals those
/// that are STOPPING, settles those that ended (server/job_finish.h). One thread, asleep on pidfds and an
/// eventfd, does all of it but the settling, which may publish a model and so take a while: it has threads of
/// its own, and a job whose trainer has ended no slot any more, also while its settling waits to be tried
/// again. Verbs change a row (server/job_ledger.h) and call Wake. Public
/// methods are thread-safe.
///
/// Trainers outlive it: destroying it leaves them running, and the next one's Create adopts them.
class TrainerSupervisor {
 public:
  struct Options {
    std::filesystem::path trainer;                  ///< the mae_trainer binary
    bool json_log = false;                          ///< whether trainers log in JSON, with the request's id
    int64_t slots = 1;                              ///< jobs that run at once, at least 1
    absl::Duration stop_grace;                      ///< from SIGTERM to SIGKILL
    absl::Duration retry_delay = absl::Seconds(5);  ///< after the disk failed
  };

  /// Adopts the trainers that still run, takes note of those that ended meanwhile, and starts the thread. No
  /// waiting job is started before ReleaseQueue.
  /// @param ledger, table, models outlive it.
  static absl::StatusOr<std::unique_ptr<TrainerSupervisor>> Create(Options options, JobLedger& ledger,
                                                                   JobTable& table, ModelStore& models);
  ~TrainerSupervisor();

  /// Looks at the table again soon. Never blocks.
  void Wake();
  /// Starts the jobs that wait, from now on.
  void ReleaseQueue() ABSL_LOCKS_EXCLUDED(mutex_);
  /// Starts no further job; those that run go on.
  void HoldQueue() ABSL_LOCKS_EXCLUDED(mutex_);
  /// Waits until no trainer is supervised. DEADLINE_EXCEEDED names how many are.
  absl::Status WaitUntilIdle(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  int64_t slots() const { return options_.slots; }

 private:
  static constexpr int kSettlers = 4, kMaxSettling = 1024;

  using SteadyTime = std::chrono::steady_clock::time_point;  // The wall clock may jump.

  // A job that has a trainer, or whose trainer's end is not settled yet.
  struct Run {
    std::unique_ptr<JobProcess> process;  ///< none: it ended before this server started
    std::optional<ProcessExit> exit;      ///< of a trainer that ended
    std::optional<SteadyTime> kill_at;    ///< SIGTERM was sent
    bool killed = false;
    bool unrecovered = false;  ///< RecoverJob failed and is tried again; nothing is settled before
    bool settling = false;     ///< FinishJob is under way
    SteadyTime retry_at = {};  ///< one of them failed; not before then
  };

  TrainerSupervisor(Options options, JobLedger& ledger, JobTable& table, ModelStore& models, int wake_fd)
      : options_(std::move(options)),
        ledger_(ledger),
        table_(table),
        models_(models),
        wake_fd_(wake_fd),
        settlers_(std::make_unique<WorkQueue>(kSettlers, kMaxSettling)) {}

  absl::Status Recover();
  /// RecoverJob; what fails is left to the thread.
  void TakeUp(const JobRecord& record);
  absl::Status RecoverJob(const JobRecord& record);
  void RecoverAgain();
  void Loop();
  void StartQueued();
  absl::Status Start(const JobRecord& queued);
  /// Ends a job in its row alone.
  absl::Status FailWithoutFolder(const JobRecord& queued, const absl::Status& reason);
  absl::Status SpawnTrainer(const JobRecord& job);
  absl::Status AdoptHolder(const std::string& id);
  void FollowRows();
  void FollowRow(const JobRecord& record, Run& run);
  void Sleep();
  int SleepMilliseconds() const;
  void SettleEnded();
  /// Begins what Settled will tell the end of.
  absl::Status Settle(const std::string& id, Run& run);
  void RetrySettling(const std::string& id, Run& run, const absl::Status& reason);
  /// What became of FinishJob, told once; nothing while it runs.
  std::optional<absl::Status> Settled(const std::string& id) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t SlotsTaken() const;
  void PublishCount() ABSL_LOCKS_EXCLUDED(mutex_);
  bool closing() ABSL_LOCKS_EXCLUDED(mutex_);
  bool holds_queue() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  JobLedger& ledger_;
  JobTable& table_;
  ModelStore& models_;
  const int wake_fd_;

  // Of the thread alone.
  std::map<std::string, Run> runs_;
  SteadyTime start_not_before_ = {};
  bool any_starting_ = false;

  absl::Mutex mutex_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool holds_queue_ ABSL_GUARDED_BY(mutex_) = true;
  size_t run_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, absl::Status> settled_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<WorkQueue> settlers_;
  JoinedThread thread_;
};

}  // namespace mae
