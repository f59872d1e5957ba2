#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "job/job_db.h"
#include "job/job_event_json.h"
#include "job/job_folder.h"
#include "server/job_table.h"

namespace mae {

/// The one place where the server makes, changes and removes jobs: folder, events in job.db and row in mae.db
/// together, one change at a time. Thread-safe; every call blocks on the disk.
///
/// A trainer says in job.db alone that it runs, so the row of a STARTING job lags behind. Find, Apply, Delete
/// and NoteRunning all bring it up first, so that whatever is shown, refused or written goes by one state.
///
/// Events are written before the row, so that a crash between the two leaves a change that was never
/// acknowledged, and the next start goes by the row. Events are written only while no trainer holds the
/// folder (job/job_lock.h).
class JobLedger {
 public:
  /// @param table outlives the ledger. @param jobs_root the jobs/ folder.
  JobLedger(JobTable& table, std::filesystem::path jobs_root)
      : table_(table), jobs_root_(std::move(jobs_root)) {}

  const std::filesystem::path& root() const { return jobs_root_; }
  JobFolder Folder(const std::string& id) const { return JobFolder(jobs_root_ / id); }

  /// Makes a QUEUED job with an id of its own. With a request_id that was seen before: that job if the hash
  /// is the same, else ALREADY_EXISTS naming it. RESOURCE_EXHAUSTED with a retry delay if `max_queued` jobs
  /// wait already.
  /// @param spec_json the content of spec.json. @param reach of job.db.
  absl::StatusOr<JobRecord> Create(JobRecord record, const std::string& spec_json, int64_t max_queued,
                                   JobDbReach reach = JobDbReach::kOneMachine) ABSL_LOCKS_EXCLUDED(mutex_);

  /// The job that a CreateJob with this id and hash made; nothing if none. ALREADY_EXISTS if the hash is
  /// another.
  absl::StatusOr<std::optional<JobRecord>> FindReplay(const JobRecord& record) const;

  /// The row, up to date. NOT_FOUND if there is no such job.
  absl::StatusOr<JobRecord> Find(const std::string& id) const;

  /// Writes RUNNING into the rows of STARTING jobs whose trainers say so; for readers of many rows.
  absl::Status NoteRunning() ABSL_LOCKS_EXCLUDED(mutex_);

  /// Edits the record, which is up to date; gives the events to append before the row is written. On error
  /// nothing changes.
  using Change = std::function<absl::StatusOr<std::vector<JobEventBody>>(JobRecord&)>;
  /// NOT_FOUND if there is no such job, the error of `change`, or the disk's. FAILED_PRECONDITION if events
  /// are to be appended while a trainer runs.
  absl::StatusOr<JobRecord> Apply(const std::string& id, const Change& change) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Apply without events: also while a trainer runs.
  absl::Status Edit(const std::string& id, const std::function<void(JobRecord&)>& edit)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Removes an ended job with its folder. FAILED_PRECONDITION if it has not ended.
  absl::Status Delete(const std::string& id) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Finishes what a crash interrupted: folders that were being deleted, and folders of jobs that were never
  /// acknowledged. Folders that hold a trainer's work are never removed. What can't be swept is logged and
  /// stays for the next start. Call once, before the rest.
  absl::Status Sweep() ABSL_LOCKS_EXCLUDED(mutex_);

  /// RESOURCE_EXHAUSTED with a retry delay if `max_queued` jobs wait already.
  absl::Status CheckRoomInQueue(int64_t max_queued) const;

 private:
  JobRecord BroughtUp(JobRecord record) const;
  absl::StatusOr<std::string> NewId(const std::string& kind) const;
  /// The sequence of the last one.
  absl::StatusOr<int64_t> AppendEvents(const std::string& id, const std::vector<JobEventBody>& events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SweepFolder(const std::filesystem::path& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MakeFolder(const std::string& id, const std::string& spec_json, JobDbReach reach)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JobTable& table_;
  const std::filesystem::path jobs_root_;
  absl::Mutex mutex_;
};

}  // namespace mae
