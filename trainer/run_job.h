#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "trainer/exit_code.h"

namespace mae {

/// In the environment of a rank: whoever started it holds the folder's lock.
inline constexpr char kFolderIsLocked[] = "MAE_FOLDER_IS_LOCKED=1";

/// Runs the job in a folder to its end: takes the folder's lock, reads its spec, trains, records how it
/// ended. A job of several processes starts them (trainer/rank_agent.h), one for Slurm hands itself to Slurm
/// (trainer/slurm_agent.h). Where RANK is set this is one rank
/// of a job that somebody else starts (RankPlaceFromEnvironment): it meets the others, and rank 0 alone locks
/// and records. Words go to the process's log. Blocks for as long as training takes. Torch-free header.
/// @param job_dir an existing folder with spec.json.
/// @param stop, profile_steps see RunTrainJob.
/// @param unless_ended kBusy if job.db says that the job has ended (LockJobToRun).
ExitCode RunJob(const std::filesystem::path& job_dir, const std::atomic<bool>& stop, int64_t profile_steps,
                bool unless_ended);

}  // namespace mae
