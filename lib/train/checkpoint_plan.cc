#include "train/checkpoint_plan.h"

#include "train/run_counters.h"

namespace mae {

CheckpointPlan::CheckpointPlan(const JobOptions& options, int64_t steps_per_epoch)
    : steps_per_epoch_(steps_per_epoch),
      last_step_(options.schedule.epochs * steps_per_epoch),
      every_steps_(options.checkpoint_every_steps),
      every_epochs_(options.checkpoint_every_epochs),
      keep_last_(options.checkpoint_keep_last),
      keep_every_epochs_(options.checkpoint_keep_every_epochs),
      keep_best_(options.checkpoint_keep_best) {}

bool CheckpointPlan::EndsEpochOf(int64_t step, int64_t every_epochs) const {
  return every_epochs > 0 && step % (every_epochs * steps_per_epoch_) == 0;
}

bool CheckpointPlan::IsDue(int64_t step) const {
  if (step < 1) return false;
  if (every_steps_ > 0 && step % every_steps_ == 0) return true;
  return step == last_step_ || EndsEpochOf(step, every_epochs_) || EndsEpochOf(step, keep_every_epochs_);
}

bool CheckpointPlan::IsRollbackPoint(int64_t step, int64_t best_step) const {
  return IsDue(step) || (keep_best_ && step > 0 && step == best_step);
}

std::vector<int64_t> CheckpointPlan::Superfluous(const std::vector<int64_t>& steps,
                                                 const TrainingProgress& newest) const {
  const int64_t best = BestStepOf(newest);
  const auto count = static_cast<int64_t>(steps.size());
  std::vector<int64_t> superfluous;
  bool has_rollback_point = false;
  for (int64_t i = count - 1; i >= 0; --i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    const bool is_newest_point = !has_rollback_point && IsRollbackPoint(step, best);
    has_rollback_point |= is_newest_point;
    const bool stays = count - i <= keep_last_ || is_newest_point || (keep_best_ && step == best) ||
                       EndsEpochOf(step, keep_every_epochs_);
    if (!stays) superfluous.push_back(step);
  }
  return superfluous;
}

}  // namespace mae
