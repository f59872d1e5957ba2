#include "train/whole_step.h"

#include <utility>

#include "optim/grad_clip.h"
#include "runtime/precision.h"

namespace mae {
namespace {

// What Step is given, and what it gives.
enum Input : size_t { kImages, kLabels, kTargets, kMaskNoise, kLearningRate };
enum Output : int64_t { kLoss, kGradNorm, kTaken, kCorrect };

torch::Tensor OnHost(double value, const torch::Device& device) {
  return torch::full({}, value, torch::TensorOptions(torch::kFloat32).pinned_memory(device.is_cuda()));
}

}  // namespace

bool WholeStep::CanRun(const JobOptions& options, const TrainTask& task, const Optimizer& optimizer) {
  return options.optimizer.accumulate_steps == 1 && task.recordable() && optimizer.steps_on_device();
}

WholeStep::WholeStep(const JobOptions& options, TrainTask& task, Optimizer& optimizer, torch::Device device,
                     RecordedStep::MakeGraph make_graph, RecordedStep::Warn warn)
    : precision_(options.precision),
      clip_(options.optimizer.clip_grad_norm),
      device_(device),
      task_(task),
      optimizer_(optimizer),
      step_(
          device, [this](const RecordedStep::Tensors& inputs) { return Step(inputs); }, std::move(make_graph),
          std::move(warn)) {}

WholeStep::Outcome WholeStep::Run(const Batch& batch, double learning_rate) {
  const auto outputs = step_.Run(
      {batch.images, batch.labels, batch.targets, batch.mask_noise, OnHost(learning_rate, device_)});
  const auto& numbers = outputs[0];
  const auto correct = numbers.size(0) > kCorrect ? numbers[kCorrect] : torch::Tensor();
  return {{numbers[kLoss], correct}, numbers[kGradNorm], numbers[kTaken]};
}

TrainTask::Measure WholeStep::ForwardAndBackward(const Batch& batch) {
  TrainTask::Measure measure;
  {
    const AutocastScope autocast(device_, precision_);
    measure = task_.Train(batch, /*epoch=*/0);
  }
  measure.loss.backward();
  measure.loss = measure.loss.detach();
  return measure;
}

RecordedStep::Tensors WholeStep::Step(const RecordedStep::Tensors& inputs) {
  optimizer_.ZeroGrad();  // A step that threw has left some.
  const auto measure =
      ForwardAndBackward({inputs[kImages], inputs[kLabels], {}, inputs[kTargets], inputs[kMaskNoise]});
  const auto norm = ClipGradNorm(optimizer_.Gradients(), clip_);
  const auto skip = torch::isfinite(measure.loss + norm).logical_not().to(torch::kFloat32);
  optimizer_.StepOnDevice(inputs[kLearningRate], skip);
  optimizer_.ZeroGrad();
  std::vector<torch::Tensor> numbers = {measure.loss, norm, 1.0 - skip};
  if (measure.correct.defined()) numbers.push_back(measure.correct);
  return {torch::stack(numbers)};  // one, to be copied out of a recording at once
}

}  // namespace mae
