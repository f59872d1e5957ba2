#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "mae/v1/job.pb.h"
#include "server/dataset_store.h"
#include "server/job_ledger.h"
#include "server/job_submission.h"
#include "server/job_table.h"
#include "server/metric_query.h"
#include "server/trainer_supervisor.h"
#include "serving/model_store.h"

namespace mae {

/// The verbs of JobService, without gRPC: each checks, changes a row through the ledger, and wakes the
/// supervisor. Thread-safe; every call blocks on the disk.
///
///   verb    QUEUED       STARTING, RUNNING      STOPPING           STOPPED, FAILED  SUCCEEDED
///   stop    STOPPED      STOPPING, SIGTERM      STOPPING           refused          refused
///   (at once)            STOPPING, SIGKILL      STOPPING, SIGKILL
///   resume  refused      refused                refused            QUEUED           refused
///   delete  refused      refused                refused            gone             gone
///
/// "Refused" is FAILED_PRECONDITION with what to do instead; a job that does not exist is NOT_FOUND.
class JobManager {
 public:
  struct Limits {
    int64_t max_queued = 1;    ///< jobs that may wait
    int64_t disk_reserve = 0;  ///< bytes that must be free on the disk for Create and Resume
    int64_t max_answered_points = kMaxAnsweredPoints;  ///< of all series that QueryMetrics gives
  };

  /// Everything outlives the manager.
  JobManager(JobLedger& ledger, JobTable& table, TrainerSupervisor& supervisor, const DatasetStore& datasets,
             const ModelStore& models, Limits limits)
      : ledger_(ledger),
        table_(table),
        supervisor_(supervisor),
        datasets_(datasets),
        models_(models),
        limits_(limits) {}

  absl::Status Create(const v1::CreateJobRequest& request, v1::Job& response);
  absl::Status Get(const v1::GetJobRequest& request, v1::Job& response) const;
  absl::Status List(const v1::ListJobsRequest& request, v1::ListJobsResponse& response) const;
  absl::Status Stop(const v1::StopJobRequest& request, v1::Job& response);
  absl::Status Resume(const v1::ResumeJobRequest& request, v1::Job& response);
  absl::Status Delete(const v1::DeleteJobRequest& request);
  /// @param is_cancelled whether the caller has gone; asked now and then, on the calling thread.
  absl::Status QueryMetrics(const v1::QueryMetricsRequest& request, const std::function<bool()>& is_cancelled,
                            v1::QueryMetricsResponse& response) const;
  /// "jobs/{job}" of each that has not ended and trains or measures on a dataset, "datasets/x" or "x".
  absl::StatusOr<std::vector<std::string>> JobsOn(const std::string& dataset) const;
  /// "jobs/{job}" of each that has not ended and starts from a version, "models/m/versions/3".
  absl::StatusOr<std::vector<std::string>> JobsFrom(const std::string& model_version) const;

  /// From now on Create and Resume are UNAVAILABLE, and no waiting job is started: the server shuts down.
  void RefuseNewJobs();
  /// Asks every job that runs to checkpoint and stop. Errors are logged.
  void StopAll();

 private:
  absl::Status CheckOpen() const;
  absl::Status CheckDisk() const;
  /// What the job goes on with, if not with its spec.json as it is.
  absl::StatusOr<std::optional<JobSubmission>> Changed(const std::string& id,
                                                       const v1::ResumeJobRequest& request) const;
  absl::StatusOr<std::vector<std::string>> JobsThat(
      const std::function<bool(const v1::JobSpec& spec)>& need) const;
  absl::Status Show(const JobRecord& record, v1::Job& response) const;
  absl::Status ShowQueue(const JobRecord& record, v1::Job& response) const;

  JobLedger& ledger_;
  JobTable& table_;
  TrainerSupervisor& supervisor_;
  const DatasetStore& datasets_;
  const ModelStore& models_;
  const Limits limits_;
  std::atomic<bool> refuses_ = false;
};

/// The id of "jobs/{id}". INVALID_ARGUMENT with the field for anything else.
absl::StatusOr<std::string> JobIdOf(const std::string& name);

}  // namespace mae
