#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "checkpoint/checkpoint_writer.h"
#include "job/job_folder.h"
#include "optim/adamw.h"
#include "options/train_options.h"
#include "train/job_recorder.h"
#include "train/train_task.h"

namespace mae {

/// Everything of a run that outlives the process: weights, moments, and where it stands. What is random is
/// counted from these numbers, so there is no generator to keep. One thread.
///
/// TrainingProgress here: `step` counts every batch trained on, also one whose update was skipped; a position
/// with `batch` at the end of its epoch means that the epoch's validation is still to do. Counters: "images",
/// "data_wait_seconds", "skipped_steps".
class TrainState {
 public:
  /// Starts from the newest whole checkpoint of the folder, else anew. Checkpoints that were passed over
  /// become warnings of the job; series points after the resumed step are removed.
  /// @param task its model is filled; outlives the state.
  /// @return DATA_LOSS if there are checkpoints and none is whole; INVALID_ARGUMENT if one does not fit the
  /// job (another
  ///   seed, other shapes); else errors of the disk.
  static absl::StatusOr<std::unique_ptr<TrainState>> Open(const JobOptions& options, const JobFolder& folder,
                                                          TrainTask& task, JobRecorder& recorder);

  /// Writes a checkpoint, unless one of this step is there. A failure (a full disk) is recorded as an error
  /// and nothing more: training goes on, the last good checkpoint stays, the next one is tried as usual.
  void Save(JobRecorder& recorder);

  AdamW& adamw() { return adamw_; }
  TrainingProgress& progress() { return progress_; }
  const TrainingProgress& progress() const { return progress_; }

 private:
  TrainState(const JobOptions& options, const JobFolder& folder, TrainTask& task);

  absl::Status Resume(JobRecorder& recorder);
  absl::Status Restore(const TrainingCheckpoint& checkpoint);
  absl::Status WriteCheckpoint();

  const JobFolder folder_;
  TrainTask& task_;
  AdamW adamw_;
  TrainingProgress progress_;
  int64_t saved_step_ = 0;  ///< of the newest checkpoint; 0: none
  std::optional<CheckpointWriter> writer_;
};

}  // namespace mae
