#include "train/validation.h"

#include <utility>

#include "runtime/precision.h"

namespace mae {

std::optional<ValidationResult> RunValidation(TrainTask& task, Loader& loader, Precision precision,
                                              const torch::Device& device, const std::atomic<bool>& stop,
                                              ProcessGroup& group) {
  const torch::NoGradGuard no_grad;
  task.model().eval();
  // Of loss, of images classified right, and of images.
  auto sums = torch::zeros({3}, torch::TensorOptions(torch::kFloat64).device(device));
  bool classifies = false;
  loader.StartEpoch(0);
  while (!group.Any(stop)) {
    auto next = loader.Next();
    if (!next) {
      auto total = sums.cpu();
      group.Sum(total);
      const double* sum = total.data_ptr<double>();
      return ValidationResult{sum[0] / sum[2], classifies ? std::optional(sum[1] / sum[2]) : std::nullopt};
    }
    const Batch batch = ToDevice(*std::move(next), device);
    const AutocastScope autocast(device, precision);
    const auto measure = task.Validate(batch);
    classifies = measure.correct.defined();
    if (batch.share == 0) continue;
    const auto count = torch::full_like(measure.loss, batch.images.size(0));
    const auto right = classifies ? measure.correct : torch::zeros_like(measure.loss);
    sums += torch::stack({measure.loss * count, right, count}).to(torch::kFloat64);
  }
  return std::nullopt;
}

Batch ToDevice(Batch batch, const torch::Device& device) {
  if (device.is_cpu()) return batch;
  batch.images = batch.images.pin_memory().to(device, /*non_blocking=*/true);
  batch.labels = batch.labels.pin_memory().to(device, /*non_blocking=*/true);
  return batch;
}

}  // namespace mae
