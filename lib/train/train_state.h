#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "job/job_folder.h"
#include "optim/ema.h"
#include "optim/optimizer.h"
#include "options/train_options.h"
#include "runtime/process_group.h"
#include "train/job_recorder.h"
#include "train/run_checkpoints.h"
#include "train/train_task.h"

namespace mae {

/// Everything of a run that outlives the process: weights and their moving average, what the optimizer keeps
/// (gradients that wait for more batches too), and where it stands. What is random is counted from these
/// numbers, so there is no generator to keep. One thread.
///
/// TrainingProgress here: `step` counts every batch trained on, also one whose update was skipped; a position
/// with `batch` at the end of its epoch means that the epoch's validation is still to do. Counters: "images",
/// "data_wait_seconds", "skipped_steps", and those of train/run_counters.h.
class TrainState {
 public:
  /// Starts from the newest whole checkpoint of the folder, else anew. Checkpoints that were passed over
  /// become warnings of the job; what a former run recorded after the resumed step is taken back.
  /// @param task its model is filled; outlives the state.
  /// @param group of several ranks: rank 0 alone has checkpoints, and the others get its state. Outlives the
  /// state; Open and RollBack are collectives.
  /// @param steps_per_epoch by how much `step` grows in an epoch, for the plan of checkpoints.
  /// @return DATA_LOSS if there are checkpoints and none is whole; INVALID_ARGUMENT if one does not fit the
  /// job (another
  ///   seed, other shapes); else errors of the disk.
  static absl::StatusOr<std::unique_ptr<TrainState>> Open(const JobOptions& options, const JobFolder& folder,
                                                          TrainTask& task, JobRecorder& recorder,
                                                          int64_t steps_per_epoch, ProcessGroup& group);

  /// Copies the state and has it written in the background (train/run_checkpoints.h).
  void Save(JobRecorder& recorder);
  /// Records what became of those in the background. Never waits.
  void NoteSaved(JobRecorder& recorder);
  /// Waits for the background: training has ended.
  void Finish(JobRecorder& recorder);
  /// Finish of a run that is stopped: says from where a resume will go on.
  /// @param is_sound false: steps are being skipped, so that this is no state to keep; a resume repeats the
  ///   steps since the checkpoint before it instead.
  void SaveAndStop(JobRecorder& recorder, bool is_sound);

  /// Goes back to the newest checkpoint of the plan, without one to the initial weights, and lowers the
  /// learning rate of every step from there on.
  /// @param factor of the learning rate.
  /// @return DATA_LOSS if no checkpoint to go back to is whole, else errors of the disk.
  absl::Status RollBack(double factor, JobRecorder& recorder);

  const CheckpointPlan& plan() const { return plan_; }
  /// Of the newest checkpoint that is there; 0: none.
  int64_t saved_step() const { return checkpoints_ == nullptr ? 0 : checkpoints_->saved_step(); }

  Optimizer& optimizer() { return *optimizer_; }
  /// The moving average of the weights, nullptr where the job has none.
  Ema* ema() { return ema_ ? &*ema_ : nullptr; }
  TrainingProgress& progress() { return progress_; }
  const TrainingProgress& progress() const { return progress_; }

 private:
  TrainState(const JobOptions& options, const JobFolder& folder, TrainTask& task, int64_t steps_per_epoch,
             ProcessGroup& group);

  /// @return whether there was a checkpoint.
  absl::StatusOr<bool> Resume(JobRecorder& recorder);
  /// Gives the others rank 0's state.
  absl::Status Share();
  absl::Status GoBack(const TrainingProgress& now, JobRecorder& recorder);
  absl::Status Restore(const TrainingCheckpoint& checkpoint);
  absl::Status KeepBeginning();
  TrainingCheckpoint Snapshot();
  NamedTensors OptimizerTensors() const;

  const JobFolder folder_;
  TrainTask& task_;
  ProcessGroup& group_;
  const CheckpointPlan plan_;
  const std::unique_ptr<Optimizer> optimizer_;
  std::optional<Ema> ema_;
  TrainingProgress progress_;
  std::optional<TrainingCheckpoint> beginning_;  ///< a copy, until there is a checkpoint to roll back to
  std::unique_ptr<RunCheckpoints> checkpoints_;  ///< of rank 0
};

}  // namespace mae
