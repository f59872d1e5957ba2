#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/durable_file.h"
#include "base/sqlite.h"
#include "server/dataset_store.h"
#include "server/infer_metrics.h"
#include "server/job_ledger.h"
#include "server/job_manager.h"
#include "server/job_table.h"
#include "server/server_config.h"
#include "server/trainer_supervisor.h"
#include "server/watch_hub.h"
#include "serving/model_store.h"

namespace mae {

/// Everything of a server that has to do with its data folder: lock, mae.db, models, datasets, jobs and the
/// watches of them. The data folder is this server's for as long as the object lives. Accessors are
/// thread-safe, as what they give. Trainers outlive it.
class JobSystem {
 public:
  /// Makes the data folder if need be and recovers jobs; those that wait are started by
  /// supervisor().ReleaseQueue().
  /// FAILED_PRECONDITION if another server uses the folder; PERMISSION_DENIED if it can't be written (both
  /// name it).
  /// @param metrics told of the models' batches; outlives it.
  static absl::StatusOr<std::unique_ptr<JobSystem>> Open(const ServerConfig& config, InferMetrics& metrics);

  JobManager& manager() { return *manager_; }
  TrainerSupervisor& supervisor() { return *supervisor_; }
  WatchHub& hub() { return *hub_; }
  ModelStore& models() { return *models_; }
  DatasetStore& datasets() { return *datasets_; }
  JobLedger& ledger() { return *ledger_; }
  const JobTable& table() const { return *table_; }

 private:
  explicit JobSystem(FileLock lock) : lock_(std::move(lock)) {}
  absl::Status OpenStores(const ServerConfig& config, InferMetrics& metrics);
  absl::Status StartJobs(const ServerConfig& config);

  const FileLock lock_;
  absl::Mutex database_mutex_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ModelStore> models_;
  std::unique_ptr<DatasetStore> datasets_;
  std::unique_ptr<JobTable> table_;
  std::unique_ptr<JobLedger> ledger_;
  std::unique_ptr<TrainerSupervisor> supervisor_;
  std::unique_ptr<JobManager> manager_;
  std::unique_ptr<WatchHub> hub_;
};

}  // namespace mae
