#pragma once

#include <cstdint>

#include "options/train_options.h"

namespace mae {

/// The learning rate of one step. A pure function: a resumed run needs no state of it.
///
/// With W = warmup_epochs, E = epochs and t counted in epochs: t < W: start + (peak - start) t / W; else half
/// a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983): end + (peak - end) (1 + cos(pi (t - W) / (E - W)))
/// / 2; from t = E on, end. ScheduleUnit::kEpoch: t = epoch; kStep: t = epoch + step / steps_per_epoch, so
/// that the very first step has `start`.
/// @param optimizer its learning_rate is the peak.
/// @param epoch from 0. @param step inside the epoch, from 0. @param steps_per_epoch at least 1.
double LearningRateAt(const ScheduleOptions& schedule, const OptimizerOptions& optimizer, int64_t epoch,
                      int64_t step, int64_t steps_per_epoch);

}  // namespace mae
