#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace mae {

/// Means over the steps since the last reading. Sums stay on the device and are read only by Take, so that a
/// GPU is not stalled every step. One thread.
class StepMetrics {
 public:
  using Clock = std::chrono::steady_clock;

  struct Interval {
    double loss = 0;                  ///< mean over the images of the interval
    std::optional<double> grad_norm;  ///< mean over the optimizer's steps, before clipping, if there were any
    double images_per_second = 0;
    int64_t steps = 0;
    double seconds = 0;
    std::optional<double> batch_accuracy;  ///< of the images trained on; classifiers only
  };

  /// @param start when the first interval began.
  explicit StepMetrics(Clock::time_point start) : start_(start) {}

  /// One batch that was trained on.
  /// @param loss, grad_norm float32 scalars on one device; grad_norm undefined where the batch's gradients
  /// wait for more.
  /// @param correct float32 scalar, or undefined.
  /// @param images of the batch.
  /// @param taken float32 scalar: 0 where the batch does not count after all; undefined: it counts.
  void Add(const torch::Tensor& loss, const torch::Tensor& correct, const torch::Tensor& grad_norm,
           int64_t images, const torch::Tensor& taken = {});

  /// Reads the interval that ends now and begins the next. Nothing if no step was added that counts: then the
  /// interval goes on.
  std::optional<Interval> Take(Clock::time_point now);

  /// Begins an interval at `now`, dropping what was added: time spent on validation is no training time.
  void Restart(Clock::time_point now);

 private:
  Clock::time_point start_;
  /// [5] float64 on the device of the losses: loss x images, grad norm, correct, images, and how many norms.
  torch::Tensor sums_;
  bool classifies_ = false;
  int64_t steps_ = 0;
};

/// How long a job will still take, from the speed of its own recent past. One thread.
class Eta {
 public:
  /// Some training steps took so long.
  void AddSteps(int64_t steps, double seconds);
  /// The end of an epoch (validation, picture, checkpoint) took so long.
  void AddEpochEnd(double seconds) { epoch_end_seconds_ = seconds; }

  /// @return seconds; 0 before the first steps were added.
  double Remaining(int64_t steps, int64_t epoch_ends) const;

 private:
  std::optional<double> seconds_a_step_;  ///< smoothed
  double epoch_end_seconds_ = 0;
};

}  // namespace mae
