#pragma once

#include <atomic>

#include "absl/status/statusor.h"
#include "job/job_folder.h"
#include "job/job_state.h"
#include "options/train_options.h"
#include "runtime/rank_place.h"
#include "train/job_recorder.h"

/// One training job, from its options to the exported model.
namespace mae {

/// Trains the job in the folder, resuming where a former run left it, and writes the finished model to
/// folder.exported(). Records RUNNING, metrics, pictures, checkpoints and what happens in words; the end is
/// for RecordEnd. Sets this process's count of compute threads. Blocks for as long as training takes.
/// Torch-free header: the trainer includes it. The caller holds the folder's lock.
/// @param place of several ranks: each calls this, and they meet here. Rank 0 reads and writes checkpoints,
/// draws and exports for all;
///   the recorder of the others records nothing.
/// @param stop set by another thread or a signal handler: finish the step, write a checkpoint, return. Also
///   while data is still being loaded: then there is nothing to write.
/// @param profile_steps how many steps to trace into folder.trace() (train/step_profile.h).
/// @return SUCCEEDED or STOPPED. UNAVAILABLE if another rank is gone: the job can begin again. Any other
/// error is the job's own: its message says what to do.
absl::StatusOr<JobState> RunTrainJob(const JobOptions& options, const JobFolder& folder,
                                     JobRecorder& recorder, const RankPlace& place,
                                     const std::atomic<bool>& stop, int64_t profile_steps = 0);

/// Records how the job ended: its state, or FAILED with the error.
/// @return the recorded state, or why it could not be recorded.
absl::StatusOr<JobState> RecordEnd(JobRecorder& recorder, const absl::StatusOr<JobState>& result);

}  // namespace mae
