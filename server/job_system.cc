#include "server/job_system.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {
namespace {

absl::Status MakeWritableFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
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

}  // namespace

absl::StatusOr<std::unique_ptr<JobSystem>> JobSystem::Open(const ServerConfig& config) {
  for (const char* folder : {"", "jobs", "models", "datasets"}) {
    MAE_RETURN_IF_ERROR(MakeWritableFolder(config.data_dir / folder));
  }
  MAE_ASSIGN_OR_RETURN(FileLock lock, LockDataFolder(config.data_dir));
  std::unique_ptr<JobSystem> system(new JobSystem(std::move(lock)));
  MAE_RETURN_IF_ERROR(system->OpenStores(config));
  MAE_RETURN_IF_ERROR(system->StartJobs(config));
  return system;
}

absl::Status JobSystem::OpenStores(const ServerConfig& config) {
  MAE_ASSIGN_OR_RETURN(database_, Database::Open(config.data_dir / "mae.db", Database::Mode::kReadWrite));
  MAE_ASSIGN_OR_RETURN(models_,
                       ModelStore::Create(*database_, database_mutex_, config.data_dir / "models",
                                          config.inference.device, config.inference.max_loaded_models));
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
  options.stop_grace = absl::Seconds(config.jobs.stop_grace_seconds);
  MAE_ASSIGN_OR_RETURN(supervisor_, TrainerSupervisor::Create(options, *ledger_, *table_, *models_));
  manager_ = std::make_unique<JobManager>(*ledger_, *table_, *supervisor_, *datasets_, *models_,
                                          config.jobs.max_queued);
  hub_ = std::make_unique<WatchHub>(*ledger_, *table_);
  return absl::OkStatus();
}

}  // namespace mae
