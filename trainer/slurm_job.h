#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "job/job_folder.h"
#include "options/train_options.h"

/// A job of the Slurm workload manager, by its own commands (sbatch, scontrol, scancel, squeue), which must
/// be in PATH and reach a controller. Errors of trainer/command_output.h. Blocks for up to half a minute
/// each.
namespace mae {

/// What Submit writes into the job's folder.
std::filesystem::path SlurmScript(const JobFolder& folder);

class SlurmJob {
 public:
  /// Hands over a script that starts a rank a task, by srun, on nodes that see the job's folder and this
  /// program under the same paths. It is held until Release. Options that are no matter of the job
  /// (partition, account, time limit) come from Slurm's own SBATCH_* variables.
  static absl::StatusOr<SlurmJob> Submit(const JobFolder& folder, const JobOptions& options);
  /// Ends what an earlier process left of the job of this folder, and waits until it is gone.
  static absl::Status CancelLeftovers(const JobFolder& folder);

  const std::string& id() const { return id_; }
  absl::Status Release() const;
  /// "PENDING", "RUNNING", "COMPLETED", "NODE_FAIL", … ; "GONE" if Slurm does not know it any more.
  absl::StatusOr<std::string> State() const;
  /// Why it waits: "Resources", "Nodes required for job are DOWN, DRAINED…", as State. "None" if it does not.
  absl::StatusOr<std::string> Reason() const;
  /// SIGTERM to all ranks. One that waits for nodes is cancelled.
  absl::Status Stop() const;
  absl::Status Cancel() const;

 private:
  explicit SlurmJob(std::string id) : id_(std::move(id)) {}
  absl::StatusOr<std::string> Field(const std::string& name) const;

  std::string id_;
};

/// Whether a job in this state has ended for good.
bool HasEndedInSlurm(const std::string& state);

}  // namespace mae
