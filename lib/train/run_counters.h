#pragma once

#include <cstdint>

#include "checkpoint/training_checkpoint.h"
#include "train/validation.h"

/// What a run remembers of itself in TrainingProgress besides its position. Pure functions; a checkpoint from
/// before such a counter was there reads as one in which it has not moved.
namespace mae {

/// What rollbacks have multiplied the learning rate by: 1 before the first.
double LearningRateScale(const TrainingProgress& progress);

/// How often the run was rolled back.
int64_t RollbacksOf(const TrainingProgress& progress);

/// The step at whose validation best_metric was reached; 0 before the first.
int64_t BestStepOf(const TrainingProgress& progress);

/// Notes a validation at the present step: accuracy, higher is better; without one loss, lower is better. A
/// value that is not finite is never the best.
/// @return whether it is the best so far.
bool NoteValidation(TrainingProgress& progress, const ValidationResult& result);

/// Where a run stands that goes back: at `target`, with what must not be forgotten of `now` (skipped steps
/// and rollbacks, this one counted in, and the learning rate's scale, times `factor`).
TrainingProgress RolledBack(TrainingProgress target, const TrainingProgress& now, double factor);

}  // namespace mae
