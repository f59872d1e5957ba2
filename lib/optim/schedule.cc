#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mae {

double LearningRateAt(const ScheduleOptions& schedule, const OptimizerOptions& optimizer, int64_t epoch,
                      int64_t step, int64_t steps_per_epoch) {
  const double peak = optimizer.learning_rate, warmup = schedule.warmup_epochs;
  const bool moves_inside = schedule.unit == ScheduleUnit::kStep;
  const double inside = moves_inside ? static_cast<double>(step) / static_cast<double>(steps_per_epoch) : 0.0;
  const double t = static_cast<double>(epoch) + inside;
  if (t < warmup) {
    return schedule.start_learning_rate + (peak - schedule.start_learning_rate) * t / warmup;
  }
  const double span = static_cast<double>(schedule.epochs) - warmup;
  const double progress = span > 0.0 ? std::min(1.0, (t - warmup) / span) : 1.0;
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  return schedule.end_learning_rate + (peak - schedule.end_learning_rate) * cosine;
}

}  // namespace mae
