#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "checkpoint/training_checkpoint.h"
#include "options/train_options.h"
#include "train/job_recorder.h"
#include "train/step_metrics.h"
#include "train/train_step.h"
#include "train/validation.h"

namespace mae {

/// Turns the course of a training into metric events and into words. Keeps no state that a resumed run would
/// miss: the counters are those of TrainingProgress. One thread.
class ProgressReport {
 public:
  /// @param steps_per_epoch at least 1.
  /// @param recorder outlives the report, as does options.
  ProgressReport(const JobOptions& options, int64_t steps_per_epoch, JobRecorder& recorder);

  /// An epoch begins, or goes on in a resumed run.
  void EpochBegins(const TrainingProgress& progress, double learning_rate);

  /// A step was done; `progress` stands after it. Every log_every_steps batches of an epoch, at its last
  /// batch, and at the first step of the job, this reads the means and records them.
  void StepDone(const TrainingProgress& progress, const TrainStep::Result& result, int64_t images,
                double learning_rate);

  /// The validation pass at the end of an epoch; `progress` stands at the end of its last batch.
  void Validated(const TrainingProgress& progress, const ValidationResult& result);

  /// The run went back: `progress` stands where it goes on. Records the counters.
  void RolledBack(const TrainingProgress& progress);

  /// Everything at the end of an epoch is done, which took so long; the estimate of what remains counts it
  /// in.
  void EpochEnded(double seconds) { eta_.AddEpochEnd(seconds); }

 private:
  bool IsLogStep(const TrainingProgress& progress) const;
  void LogInterval(const TrainingProgress& progress, double learning_rate);
  void Record(const TrainingProgress& progress, std::map<std::string, double> values);
  double RemainingSeconds(const TrainingProgress& progress) const;

  const JobOptions& options_;
  const int64_t steps_per_epoch_;
  JobRecorder& recorder_;
  StepMetrics metrics_;
  Eta eta_;
};

}  // namespace mae
