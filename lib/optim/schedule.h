#pragma once

#include <cstdint>

#include "options/train_options.h"

namespace mae {

/// The learning rate of one step. A pure function: a resumed run needs no state of it.
///
/// With W = warmup_epochs, E = epochs, t counted in epochs and cos(x) = (1 + cos(pi x)) / 2 half a cosine
/// (Loshchilov & Hutter 2017, arXiv:1608.03983):
///
/// kWarmupCosine: t < W: start + (peak - start) t / W; else end + (top - end) cos((t - W) / (E - W)); from
/// t = E on, end. `top` is cosine_learning_rate, or the peak where that is 0.
/// kCappedCosine: end + (peak - end) min(cos(t / E), (t + u) / W), u one unit: the cosine runs from the first
/// step, and the warm-up caps it (IcarusWizard's MAE for CIFAR-10).
///
/// ScheduleUnit::kEpoch: t = epoch, u = 1; kStep: t = epoch + step / steps_per_epoch, u = 1 /
/// steps_per_epoch. So the very first step of kWarmupCosine has `start`.
/// @param optimizer its learning_rate is the peak.
/// @param epoch from 0. @param step inside the epoch, from 0. @param steps_per_epoch at least 1.
double LearningRateAt(const ScheduleOptions& schedule, const OptimizerOptions& optimizer, int64_t epoch,
                      int64_t step, int64_t steps_per_epoch);

}  // namespace mae
