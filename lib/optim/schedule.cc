#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mae {
namespace {

// From 1 at 0 to 0 at 1 and beyond.
double HalfCosine(double part) { return 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, part))); }

double CappedCosine(const ScheduleOptions& schedule, double peak, double t, double unit) {
  const double warmup = schedule.warmup_epochs;
  const double cap = warmup > 0.0 ? (t + unit) / warmup : 1.0;
  const double share = std::min(HalfCosine(t / static_cast<double>(schedule.epochs)), cap);
  return schedule.end_learning_rate + (peak - schedule.end_learning_rate) * share;
}

double WarmupCosine(const ScheduleOptions& schedule, double peak, double t) {
  const double start = schedule.start_learning_rate, warmup = schedule.warmup_epochs;
  if (t < warmup) return start + (peak - start) * t / warmup;
  const double span = static_cast<double>(schedule.epochs) - warmup;
  const double top = schedule.cosine_learning_rate > 0.0 ? schedule.cosine_learning_rate : peak;
  const double share = HalfCosine(span > 0.0 ? (t - warmup) / span : 1.0);
  return schedule.end_learning_rate + (top - schedule.end_learning_rate) * share;
}

}  // namespace

double LearningRateAt(const ScheduleOptions& schedule, const OptimizerOptions& optimizer, int64_t epoch,
                      int64_t step, int64_t steps_per_epoch) {
  const bool by_step = schedule.unit == ScheduleUnit::kStep;
  const double unit = by_step ? 1.0 / static_cast<double>(steps_per_epoch) : 1.0;
  const double inside = by_step ? static_cast<double>(step) / static_cast<double>(steps_per_epoch) : 0.0;
  const double t = static_cast<double>(epoch) + inside;
  if (schedule.shape == ScheduleShape::kCappedCosine) {
    return CappedCosine(schedule, optimizer.learning_rate, t, unit);
  }
  return WarmupCosine(schedule, optimizer.learning_rate, t);
}

}  // namespace mae
