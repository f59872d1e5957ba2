#include "train/step_metrics.h"

#include <algorithm>

namespace mae {
namespace {

// Weight of the newest interval: follows a change of speed within a few intervals, hides single slow ones.
constexpr double kNewest = 0.3;

}  // namespace

void StepMetrics::Add(const torch::Tensor& loss, const torch::Tensor& correct, const torch::Tensor& grad_norm,
                      int64_t images, const torch::Tensor& taken) {
  classifies_ = correct.defined();
  const auto number = [&loss](double value) {
    return torch::full_like(loss, value, torch::requires_grad(false));
  };
  const auto count = static_cast<double>(images);
  auto step = torch::stack({loss.detach() * count, grad_norm.defined() ? grad_norm : number(0.0),
                            classifies_ ? correct : number(0.0), number(count),
                            number(grad_norm.defined() ? 1.0 : 0.0)})
                  .to(torch::kFloat64);
  // Not by a product: what is left out may be no number.
  if (taken.defined()) step = torch::where(taken > 0, step, torch::zeros_like(step));
  sums_ = sums_.defined() ? sums_.add_(step) : step;
  ++steps_;
}

std::optional<StepMetrics::Interval> StepMetrics::Take(Clock::time_point now) {
  if (steps_ == 0) return std::nullopt;
  const auto sums = sums_.cpu();
  const double* sum = sums.data_ptr<double>();
  const double images = sum[3], norms = sum[4];
  if (images == 0.0) return std::nullopt;
  const double seconds = std::max(1e-9, std::chrono::duration<double>(now - start_).count());
  Interval interval{sum[0] / images, {}, images / seconds, steps_, seconds, {}};
  if (norms > 0.0) interval.grad_norm = sum[1] / norms;
  if (classifies_) interval.batch_accuracy = sum[2] / images;
  Restart(now);
  return interval;
}

void StepMetrics::Restart(Clock::time_point now) {
  start_ = now;
  sums_ = torch::Tensor();
  steps_ = 0;
}

void Eta::AddSteps(int64_t steps, double seconds) {
  if (steps <= 0) return;
  const double newest = seconds / static_cast<double>(steps);
  seconds_a_step_ = seconds_a_step_ ? *seconds_a_step_ + kNewest * (newest - *seconds_a_step_) : newest;
}

double Eta::Remaining(int64_t steps, int64_t epoch_ends) const {
  return seconds_a_step_.value_or(0.0) * static_cast<double>(steps) +
         epoch_end_seconds_ * static_cast<double>(epoch_ends);
}

}  // namespace mae
