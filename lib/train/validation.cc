#include "train/validation.h"

#include <utility>

#include "runtime/precision.h"

namespace mae {

std::optional<ValidationResult> RunValidation(TrainTask& task, Loader& loader, Precision precision,
                                              const torch::Device& device, const std::atomic<bool>& stop) {
  const torch::NoGradGuard no_grad;
  task.model().eval();
  auto sums = torch::zeros({2}, torch::TensorOptions(torch::kFloat64).device(device));
  int64_t images = 0;
  bool classifies = false;
  loader.StartEpoch(0);
  while (!stop) {
    auto next = loader.Next();
    if (!next) {
      const auto total = sums.cpu() / static_cast<double>(images);
      const double* mean = total.data_ptr<double>();
      return ValidationResult{mean[0], classifies ? std::optional(mean[1]) : std::nullopt};
    }
    const Batch batch = ToDevice(*std::move(next), device);
    const AutocastScope autocast(device, precision);
    const auto measure = task.Validate(batch);
    const auto count = batch.images.size(0);
    classifies = measure.correct.defined();
    const auto right = classifies ? measure.correct : torch::zeros_like(measure.loss);
    sums += torch::stack({measure.loss * static_cast<double>(count), right}).to(torch::kFloat64);
    images += count;
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
