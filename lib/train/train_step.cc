#include "train/train_step.h"

#include "base/counted_random.h"
#include "optim/grad_clip.h"
#include "runtime/precision.h"
#include "train/gradient_histogram.h"
#include "train/sharded_step.h"

namespace mae {

TrainStep::TrainStep(const JobOptions& options, TrainTask& task, Optimizer& optimizer, torch::Device device)
    : seed_(options.seed),
      precision_(options.precision),
      clip_(options.optimizer.clip_grad_norm),
      accumulate_(options.optimizer.accumulate_steps),
      device_(device),
      task_(task),
      optimizer_(optimizer) {}

TrainTask::Measure TrainStep::ForwardAndBackward(const Batch& loaded, int64_t epoch) {
  const Batch batch = task_.Prepare(loaded, epoch);
  const double scale = 1.0 / static_cast<double>(accumulate_);
  if (const int64_t shards = ShardsOf(task_, batch, device_); shards > 1) {
    return ForwardAndBackwardInShards(task_, batch, epoch, precision_, shards, scale);
  }
  TrainTask::Measure measure;
  {
    const AutocastScope autocast(device_, precision_);
    measure = task_.Train(batch, epoch);
  }
  (accumulate_ == 1 ? measure.loss : measure.loss * scale).backward();
  measure.loss = measure.loss.detach();
  return measure;
}

TrainStep::Result TrainStep::Run(const Batch& batch, int64_t epoch, int64_t step, double learning_rate,
                                 bool histograms) {
  torch::manual_seed(CountedBits(seed_, RandomStream::kDropPath, {static_cast<uint64_t>(step)}));
  Result result;
  result.measure = ForwardAndBackward(batch, epoch);
  result.due = (step + 1) % accumulate_ == 0;
  if (!result.due) {
    result.taken = torch::isfinite(result.measure.loss).item<bool>();
    return result;
  }
  result.grad_norm = ClipGradNorm(optimizer_.Gradients(), clip_);
  if (histograms) result.gradients = GradientHistograms(task_.model());
  // The one read of the device a step: whether to step has to be known before the weights change.
  result.taken = torch::isfinite(result.measure.loss + result.grad_norm).item<bool>();
  if (result.taken) optimizer_.Step(learning_rate);
  optimizer_.ZeroGrad();
  return result;
}

}  // namespace mae
