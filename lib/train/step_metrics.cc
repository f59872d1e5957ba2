#include "train/step_metrics.h"

#include <algorithm>

namespace mae {
namespace {

// Weight of the newest interval: follows a change of speed within a few intervals, hides single slow ones.
constexpr double kNewest = 0.3;

}  // namespace

void StepMetrics::Add(const torch::Tensor& loss, const torch::Tensor& correct, const torch::Tensor& grad_norm,
                      int64_t images) {
  classifies_ = correct.defined();
  const auto right = classifies_ ? correct : torch::zeros_like(loss);
  const auto norm = grad_norm.defined() ? grad_norm : torch::zeros_like(loss);
  const auto step =
      torch::stack({loss.detach() * static_cast<double>(images), norm, right}).to(torch::kFloat64);
  norms_ += grad_norm.defined() ? 1 : 0;
  sums_ = sums_.defined() ? sums_.add_(step) : step;
  images_ += images;
  ++steps_;
}

std::optional<StepMetrics::Interval> StepMetrics::Take(Clock::time_point now) {
  if (steps_ == 0) return std::nullopt;
  const auto sums = sums_.cpu();
  const double* sum = sums.data_ptr<double>();
  const double images = static_cast<double>(images_);
  const double seconds = std::max(1e-9, std::chrono::duration<double>(now - start_).count());
  Interval interval{sum[0] / images, {}, images / seconds, steps_, seconds, {}};
  if (norms_ > 0) interval.grad_norm = sum[1] / static_cast<double>(norms_);
  if (classifies_) interval.batch_accuracy = sum[2] / images;
  Restart(now);
  return interval;
}

void StepMetrics::Restart(Clock::time_point now) {
  start_ = now;
  sums_ = torch::Tensor();
  images_ = steps_ = norms_ = 0;
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
