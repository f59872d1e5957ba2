#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "checkpoint/background_checkpoint_writer.h"
#include "checkpoint/checkpoint_reader.h"
#include "job/job_folder.h"
#include "options/train_options.h"
#include "train/checkpoint_plan.h"
#include "train/job_recorder.h"

namespace mae {

/// The event that says that the newest checkpoint is that of this step; of step 0: that there is none.
CheckpointEvent CheckpointEventOf(const JobFolder& folder, int64_t step);

/// The checkpoints of one run: hands them to a thread that writes them, and tells the job what became of
/// each. One that can't be written (a full disk) is an error event and no more: training goes on, the last
/// good one stays, the next is tried as usual. One thread, the training one.
class RunCheckpoints {
 public:
  /// @param resumed_step of the checkpoint that the run goes on from; 0: from the beginning.
  /// Errors of CheckpointWriter::Create.
  static absl::StatusOr<std::unique_ptr<RunCheckpoints>> Open(const JobOptions& options,
                                                              const JobFolder& folder,
                                                              int64_t steps_per_epoch, int64_t resumed_step);

  const CheckpointPlan& plan() const { return plan_; }

  /// Copies and hands over, unless a checkpoint of this step is there or on its way. Waits for one on its
  /// way.
  void Save(const TrainingCheckpoint& state, JobRecorder& recorder);

  /// Records those that have been written, or could not be, since the last call. Never waits.
  void Note(JobRecorder& recorder);

  /// Waits for the one on its way and records it. Training has ended: errors no longer say that it goes on.
  void Finish(JobRecorder& recorder);

  /// Of the newest that is there for certain; 0: none.
  int64_t saved_step() const { return saved_step_; }

  /// Finds the newest whole checkpoint that the run may roll back to (CheckpointPlan), and makes the next one
  /// follow on it. What is passed over becomes warnings.
  /// @param best_step of the best validation so far; 0: none.
  /// @return NOT_FOUND if there is none: the next one then follows on the initial weights. DATA_LOSS if there
  ///   are some and none is whole.
  absl::StatusOr<TrainingCheckpoint> GoBack(int64_t best_step, JobRecorder& recorder);

 private:
  RunCheckpoints(const JobFolder& folder, CheckpointPlan plan, CheckpointWriter writer, int64_t resumed_step);
  void NoteFailure(int64_t step, const absl::Status& status, JobRecorder& recorder);

  const JobFolder folder_;
  const CheckpointPlan plan_;
  int64_t saved_step_;   ///< of the newest that is there
  int64_t handed_step_;  ///< of the newest that is there or on its way
  bool ended_ = false;
  BackgroundCheckpointWriter writer_;
};

}  // namespace mae
