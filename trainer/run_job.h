#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace mae {

/// What mae_trainer tells whoever started it.
enum ExitCode {
  kDone = 0,    ///< the job succeeded, or was stopped as asked
  kFailed = 1,  ///< the job failed and its folder says why; if even that could not be written, the log does
  kUsage = 2,   ///< wrong arguments
  kBusy = 3,    ///< another trainer runs this job; nothing was touched
};

/// Runs the job in a folder to its end: takes the folder's lock, reads its spec, trains, records how it
/// ended. Words go to the process's log. Blocks for as long as training takes. Torch-free header.
/// @param job_dir an existing folder with spec.json.
/// @param stop, profile_steps see RunTrainJob.
ExitCode RunJob(const std::filesystem::path& job_dir, const std::atomic<bool>& stop, int64_t profile_steps);

}  // namespace mae
