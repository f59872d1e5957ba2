#include "train/run_counters.h"

#include <cmath>
#include <string>

namespace mae {
namespace {

constexpr const char* kScale = "learning_rate_scale";
constexpr const char* kRollbacks = "rollbacks";
constexpr const char* kBestStep = "best_step";
constexpr const char* kSkipped = "skipped_steps";

double CounterOr(const TrainingProgress& progress, const std::string& name, double fallback) {
  const auto found = progress.counters.find(name);
  return found == progress.counters.end() ? fallback : found->second;
}

}  // namespace

double LearningRateScale(const TrainingProgress& progress) { return CounterOr(progress, kScale, 1.0); }

int64_t RollbacksOf(const TrainingProgress& progress) {
  return static_cast<int64_t>(CounterOr(progress, kRollbacks, 0.0));
}

int64_t BestStepOf(const TrainingProgress& progress) {
  return static_cast<int64_t>(CounterOr(progress, kBestStep, 0.0));
}

bool NoteValidation(TrainingProgress& progress, const ValidationResult& result) {
  const double value = result.accuracy.value_or(result.loss);
  if (!std::isfinite(value)) return false;
  const bool is_best = !progress.best_metric ||
                       (result.accuracy ? value > *progress.best_metric : value < *progress.best_metric);
  if (!is_best) return false;
  progress.best_metric = value;
  progress.counters[kBestStep] = static_cast<double>(progress.step);
  return true;
}

TrainingProgress RolledBack(TrainingProgress target, const TrainingProgress& now, double factor) {
  target.counters[kScale] = LearningRateScale(now) * factor;
  target.counters[kRollbacks] = static_cast<double>(RollbacksOf(now) + 1);
  target.counters[kSkipped] = CounterOr(now, kSkipped, 0.0);
  return target;
}

}  // namespace mae
