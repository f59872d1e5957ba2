#include "server/job_system.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/durable_file_writer.h"
#include "base/status_macros.h"
#include "server/database_schema.h"
#include "serving/precision_check.h"

namespace mae {
namespace {

// A new one is for its owner alone: pictures may be private, and weights tell of them.
absl::Status MakeWritableFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error))
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) {
    return absl::PermissionDeniedError(absl::StrCat("data_dir: can't make ", folder.string(), ": ",
                                                    error.message(), "; choose another with --data-dir"));
  }
  if (access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("data_dir: can't write in ", folder.string(), ": ",
                                                  strerror(errno),
                                                  "; change its owner or choose another with --data-dir"));
}

absl::StatusOr<FileLock> LockDataFolder(const std::filesystem::path& data) {
  absl::StatusOr<FileLock> lock = FileLock::Acquire(data / "server.lock");
  if (lock.ok() || !absl::IsFailedPrecondition(lock.status())) return lock;
  return absl::FailedPreconditionError(absl::StrCat("data_dir: ", data.string(),
                                                    " is in use by another server; stop ",
                                                    "that one or choose another folder with --data-dir"));
}

ServingOptions ServingFrom(const ServerConfig::Inference& config, InferMetrics& metrics) {
  ServingOptions options;
  options.device = config.device;
  options.precision = PrecisionNamed(config.precision);
  options.max_loaded = config.max_loaded_models;
  options.max_bytes = config.memory_mib << 20;
  options.forward_threads = config.forward_threads;
  options.cache_bytes = config.response_cache_mib << 20;
  options.batch.max_batch = config.max_batch;
  for (const int64_t size : config.preferred_batches) {
    if (size <= config.max_batch) options.batch.preferred.push_back(size);
  }
  options.batch.max_queued = config.max_queued_images;
  options.batch.max_delay = absl::Microseconds(config.max_delay_microseconds);
  options.batch.max_running = config.forward_threads;
  options.on_batch = [&metrics](const std::string& model, int64_t version, const BatchRecord& batch) {
    metrics.RecordBatch(model, version, batch);
  };
  options.on_lookup = [&metrics](const std::string& model, int64_t version, const CacheLookup& lookup) {
    metrics.RecordLookup(model, version, lookup);
  };
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobSystem>> JobSystem::Open(const ServerConfig& config,
                                                           InferMetrics& metrics) {
  for (const char* folder : {"", "jobs", "models", "datasets"}) {
    MAE_RETURN_IF_ERROR(MakeWritableFolder(config.data_dir / folder));
  }
  MAE_ASSIGN_OR_RETURN(FileLock lock, LockDataFolder(config.data_dir));
  RemoveTemporaries(config.data_dir);  // of a server that was killed
  std::unique_ptr<JobSystem> system(new JobSystem(std::move(lock)));
  MAE_RETURN_IF_ERROR(system->OpenStores(config, metrics));
  MAE_RETURN_IF_ERROR(system->StartJobs(config));
  return system;
}

absl::Status JobSystem::OpenStores(const ServerConfig& config, InferMetrics& metrics) {
  MAE_ASSIGN_OR_RETURN(database_, Database::Open(config.data_dir / "mae.db", Database::Mode::kReadWrite));
  // Once, before anything is written: on a damaged page a later answer would be an error, or silently wrong.
  MAE_RETURN_IF_ERROR(database_->CheckWhole());
  // The copy that an upgrade leaves has a rollback journal, and may have been put back.
  MAE_RETURN_IF_ERROR(database_->Execute("PRAGMA journal_mode=WAL"));
  MAE_RETURN_IF_ERROR(UpgradeDatabase(*database_, config.data_dir / "mae.db"));
  MAE_ASSIGN_OR_RETURN(models_, ModelStore::Create(*database_, database_mutex_, config.data_dir / "models",
                                                   ServingFrom(config.inference, metrics)));
  MAE_ASSIGN_OR_RETURN(datasets_, DatasetStore::Create(config.datasets, config.data_dir / "datasets"));
  MAE_ASSIGN_OR_RETURN(table_, JobTable::Create(*database_, database_mutex_));
  return absl::OkStatus();
}

absl::Status JobSystem::StartJobs(const ServerConfig& config) {
  // Trainers get absolute paths: they may run for longer than this server's working folder means anything.
  ledger_ = std::make_unique<JobLedger>(*table_, std::filesystem::absolute(config.data_dir / "jobs"));
  TrainerSupervisor::Options options;
  options.trainer = std::filesystem::absolute(config.jobs.trainer);
  options.slots = config.jobs.slots;
  options.json_log = config.log_format == "json";
  options.stop_grace = absl::Seconds(config.jobs.stop_grace_seconds);
  MAE_ASSIGN_OR_RETURN(supervisor_, TrainerSupervisor::Create(options, *ledger_, *table_, *models_));
  manager_ =
      std::make_unique<JobManager>(*ledger_, *table_, *supervisor_, *datasets_, *models_,
                                   JobManager::Limits{config.jobs.max_queued, config.disk.reserve_mib << 20,
                                                      AnsweredPoints(config.rpc.max_message_mib << 20)});
  const WatchHub::Limits watches = {static_cast<size_t>(config.jobs.max_watches),
                                    config.rpc.max_message_mib << 20};
  hub_ = std::make_unique<WatchHub>(*ledger_, *table_, watches);
  return absl::OkStatus();
}

}  // namespace mae
