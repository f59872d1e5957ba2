#pragma once

#include "absl/status/status.h"
#include "mae/v1/job.pb.h"

namespace mae {

/// Whether this machine has what a job's resources name: the device of a local job, Slurm's commands (sbatch,
/// squeue, scontrol, scancel on PATH) for one of Slurm's, whose devices its nodes have. FAILED_PRECONDITION
/// says what is missing, with its path below `resources.` as details. Thread-safe; looks at the disk.
/// @param resources resolved. @param prefix of the paths in details: "spec." of a CreateJobRequest.
absl::Status CheckPlace(const v1::ResourceSpec& resources, const std::string& prefix);

}  // namespace mae
