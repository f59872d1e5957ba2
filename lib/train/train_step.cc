#include "train/train_step.h"

#include <utility>

#include "base/counted_random.h"
#include "optim/grad_clip.h"
#include "runtime/precision.h"
#include "train/gradient_histogram.h"
#include "train/sharded_step.h"

namespace mae {

namespace {

RecordedStep::MakeGraph GraphFor(const JobOptions& options, const torch::Device& device) {
  if (!device.is_cuda() || !options.cuda_graphs) return nullptr;
  return [device] { return StepGraph::Make(device); };
}

}  // namespace

TrainStep::TrainStep(const JobOptions& options, TrainTask& task, Optimizer& optimizer, torch::Device device,
                     ProcessGroup& group, Form form, RecordedStep::Warn warn)
    : seed_(options.seed),
      precision_(options.precision),
      clip_(options.optimizer.clip_grad_norm),
      accumulate_(options.optimizer.accumulate_steps),
      device_(device),
      task_(task),
      optimizer_(optimizer),
      group_(group) {
  if (group.ranks() > 1) {
    reducer_.emplace(task.model(), group);
    return;
  }
  if (form == Form::kPlain || !WholeStep::CanRun(options, task, optimizer)) return;
  whole_ = std::make_unique<WholeStep>(options, task, optimizer, device, GraphFor(options, device),
                                       std::move(warn));
}

void TrainStep::AwaitDevice(const StepTrace* trace) const {
  if (trace != nullptr && device_.is_cuda()) torch::cuda::synchronize(device_.index());
}

TrainTask::Measure TrainStep::Forward(const Batch& batch, int64_t epoch, StepTrace* trace) {
  const StepTrace::Phase phase(trace, "forward");
  const AutocastScope autocast(device_, precision_);
  auto measure = task_.Train(batch, epoch);
  AwaitDevice(trace);
  return measure;
}

TrainTask::Measure TrainStep::ForwardAndBackward(const Batch& loaded, int64_t epoch, StepTrace* trace) {
  const Batch batch = task_.Prepare(loaded, epoch);
  const double scale = 1.0 / static_cast<double>(accumulate_);
  if (reducer_) return ForwardAndBackwardTogether(batch, epoch, scale, trace);
  if (const int64_t shards = ShardsOf(task_, batch, device_); shards > 1) {
    return ForwardAndBackwardInShards(task_, batch, epoch, precision_, shards, scale, trace);
  }
  auto measure = Forward(batch, epoch, trace);
  const StepTrace::Phase phase(trace, "backward");
  (accumulate_ == 1 ? measure.loss : measure.loss * scale).backward();
  measure.loss = measure.loss.detach();
  AwaitDevice(trace);
  return measure;
}

TrainTask::Measure TrainStep::ForwardAndBackwardTogether(const Batch& batch, int64_t epoch, double scale,
                                                         StepTrace* trace) {
  reducer_->BeginForward();
  auto measure = Forward(batch, epoch, trace);
  {
    const StepTrace::Phase phase(trace, "backward");
    // The reducer takes the mean over ranks; a batch's mean weighs each by the images that it has.
    const double weight = scale * batch.share * static_cast<double>(group_.ranks());
    reducer_->Backward(weight == 1.0 ? measure.loss : measure.loss * weight);
    AwaitDevice(trace);
  }
  const StepTrace::Phase phase(trace, "sum_measures");
  const auto loss = measure.loss.detach();
  const bool counts = batch.share > 0, classifies = measure.correct.defined();
  const auto right = classifies && counts ? measure.correct : torch::zeros_like(loss);
  auto sums = torch::stack({loss * (counts ? batch.share : 0.0), right}).to(torch::kCPU, torch::kFloat64);
  group_.Sum(sums);
  sums = sums.to(device_, torch::kFloat32);
  return {sums[0], classifies ? sums[1] : torch::Tensor()};
}

bool TrainStep::Judge(Result& result, bool histograms, StepTrace* trace) {
  const StepTrace::Phase phase(trace, "clip");
  const auto gradients = optimizer_.Gradients();
  // Else they are scaled where the optimizer reads them.
  result.grad_norm = histograms ? ClipGradNorm(gradients, clip_) : GradNorm(gradients);
  if (histograms) result.gradients = GradientHistograms(task_.model());
  // The one read of the device a step: whether to step has to be known before the weights change.
  return torch::isfinite(result.measure.loss + result.grad_norm).item<bool>();
}

TrainStep::Result TrainStep::RunWhole(const Batch& batch, int64_t epoch, double learning_rate) {
  const auto outcome = whole_->Run(task_.Prepare(batch, epoch), learning_rate);
  Result result;
  result.measure = outcome.measure;
  result.grad_norm = outcome.grad_norm;
  result.taken_there = outcome.taken;
  return result;
}

TrainStep::Result TrainStep::Run(const Batch& batch, int64_t epoch, int64_t step, double learning_rate,
                                 bool histograms, StepTrace* trace) {
  const auto counted = static_cast<uint64_t>(step), rank = static_cast<uint64_t>(group_.rank());
  torch::manual_seed(rank == 0 ? CountedBits(seed_, RandomStream::kDropPath, {counted})
                               : CountedBits(seed_, RandomStream::kDropPath, {counted, rank}));
  if (whole_ != nullptr && !histograms && trace == nullptr) return RunWhole(batch, epoch, learning_rate);
  Result result;
  result.measure = ForwardAndBackward(batch, epoch, trace);
  result.due = (step + 1) % accumulate_ == 0;
  if (!result.due) {
    result.taken = torch::isfinite(result.measure.loss).item<bool>();
    return result;
  }
  result.taken = Judge(result, histograms, trace);
  const StepTrace::Phase phase(trace, "optimizer");
  if (result.taken) {
    optimizer_.Step(learning_rate, histograms ? torch::Tensor() : ClipScale(result.grad_norm, clip_));
  }
  optimizer_.ZeroGrad();
  AwaitDevice(trace);
  return result;
}

}  // namespace mae
