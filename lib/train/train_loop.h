#pragma once

#include <torch/torch.h>

#include <atomic>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "data/batch_feed.h"
#include "data/loader.h"
#include "job/job_folder.h"
#include "options/train_options.h"
#include "runtime/late_values.h"
#include "train/finite_guard.h"
#include "train/job_recorder.h"
#include "train/progress_report.h"
#include "train/step_profile.h"
#include "train/train_data.h"
#include "train/train_state.h"
#include "train/train_step.h"
#include "train/train_task.h"
#include "train/validation.h"

namespace mae {

/// Runs the epochs of a job from where its state stands: steps, at the end of each epoch a validation pass
/// and a picture, and the checkpoints of the plan. Goes back to one of them when training diverges. Knows no
/// kind of job, only TrainTask. One thread; everything it is given outlives it.
class TrainLoop {
 public:
  /// @param group of several ranks: each runs a loop, and rank 0 alone records and draws.
  /// @param stop looked at before every batch. Ranks stop together.
  /// @param profile_steps how many steps StepProfile is to trace.
  /// @param form of the steps, see TrainStep::FormOf.
  TrainLoop(const JobOptions& options, const JobFolder& folder, const TrainData& data, TrainTask& task,
            TrainState& state, JobRecorder& recorder, torch::Device device, ProcessGroup& group,
            const std::atomic<bool>& stop, int64_t profile_steps = 0,
            TrainStep::Form form = TrainStep::Form::kPlain);

  /// No checkpoint is on its way when it returns.
  /// @return true when every epoch is done; false when stopped before: a checkpoint was written then, if the
  ///   disk let it, and a new run goes on with the very next batch. ABORTED if training diverged and going
  ///   back did not help (train/finite_guard.h).
  absl::StatusOr<bool> Run();

 private:
  enum class EpochEnd { kDone, kStopped, kDiverged };

  absl::StatusOr<bool> RunEpochs();
  EpochEnd TrainEpoch();
  /// Validates, draws and saves. Without a finite loss the epoch has diverged.
  EpochEnd FinishEpoch();
  /// With the averaged weights, where the job has them. @return the loss and accuracy; nothing if stopped.
  std::optional<ValidationResult> Validate();

  /// Waits for the next batch of the epoch, of which there is one, and trains on it.
  void TrainNextBatch();
  void RunStep(const Batch& batch);
  bool ShowsGradients() const;
  /// Counts what has become known of steps up to this one.
  void Count(const TrainStep::Result& result);
  void CountStep(int64_t step, bool taken);
  /// Waits for what is not known yet of the steps so far and counts it.
  void Settle();
  void SaveIfDue(bool is_best);
  /// What was not finite, and where.
  std::string Divergence() const;
  absl::Status RollBack();
  /// With the averaged weights, as Validate.
  void DrawPicture();
  double LearningRate() const;

  const JobOptions& options_;
  const JobFolder& folder_;
  const TrainData& data_;
  TrainTask& task_;
  TrainState& state_;
  JobRecorder& recorder_;
  const torch::Device device_;
  ProcessGroup& group_;
  const std::atomic<bool>& stop_;

  Loader train_loader_, validation_loader_;
  BatchFeed feed_;              ///< of training batches
  const double waited_before_;  ///< seconds that earlier runs of this job waited for data
  TrainStep step_;
  LateValues taken_late_;  ///< whether WholeSteps were taken
  FiniteGuard guard_;
  ProgressReport report_;
  StepProfile profile_;
};

}  // namespace mae
