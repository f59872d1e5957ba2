#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/training_checkpoint.h"
#include "options/train_options.h"

namespace mae {

/// When a run writes a checkpoint by itself, which of them stay, and to which it may roll back: functions of
/// the step alone, so that a run that was stopped or killed in between decides as the uninterrupted one does.
/// A checkpoint that a stop wrote at some other step is for resuming only: rolling back to it would make the
/// weights depend on when somebody pressed a key. Immutable, safe from any thread.
class CheckpointPlan {
 public:
  /// @param options checkpoint_* and the number of epochs.
  /// @param steps_per_epoch by how much TrainingProgress::step grows in an epoch, at least 1.
  CheckpointPlan(const JobOptions& options, int64_t steps_per_epoch);

  /// Whether a checkpoint is due after this many steps, from 1: every so many steps, at the end of every so
  /// many epochs, at the end of epochs that are kept for good, and at the end of the job.
  bool IsDue(int64_t step) const;

  /// Whether the best validation so far makes a checkpoint due as well.
  bool keeps_best() const { return keep_best_; }

  /// Whether a run that diverged may go back to the checkpoint of this step.
  /// @param best_step of the best validation so far; 0: none.
  bool IsRollbackPoint(int64_t step, int64_t best_step) const;

  /// The checkpoints that go: all but the last N, the best, those of every K-th epoch, and the newest that
  /// the run may roll back to.
  /// @param steps of all that are there, lowest first.
  /// @param newest progress of the highest.
  std::vector<int64_t> Superfluous(const std::vector<int64_t>& steps, const TrainingProgress& newest) const;

 private:
  bool EndsEpochOf(int64_t step, int64_t every_epochs) const;

  int64_t steps_per_epoch_, last_step_;
  int64_t every_steps_, every_epochs_, keep_last_, keep_every_epochs_;
  bool keep_best_;
};

}  // namespace mae
