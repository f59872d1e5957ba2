#include "train/sharded_step.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "base/joined_thread.h"
#include "runtime/precision.h"
#include "train/trained_parameters.h"

namespace mae {
namespace {

constexpr int64_t kMinShardImages = 32;

struct Shard {
  int lane = StepTrace::kTraining;
  Batch batch;
  double weight = 1.0;  ///< its share of the batch
  double scale = 1.0;   ///< of the gradients besides
  TrainTask::Measure measure;
  std::vector<torch::Tensor> gradients;
  std::exception_ptr error;
};

std::vector<Shard> SplitBatch(const Batch& batch, int64_t shards) {
  const int64_t images = batch.images.size(0);
  std::vector<Shard> parts(static_cast<size_t>(shards));
  for (int64_t i = 0; i < shards; ++i) {
    const int64_t begin = images * i / shards, end = images * (i + 1) / shards;
    auto& part = parts[static_cast<size_t>(i)];
    part.lane = StepTrace::LaneOfShard(i);
    part.batch = {batch.images.slice(0, begin, end),
                  batch.labels.slice(0, begin, end),
                  {batch.indices.begin() + begin, batch.indices.begin() + end},
                  batch.targets.defined() ? batch.targets.slice(0, begin, end) : torch::Tensor(),
                  batch.mask_noise.defined() ? batch.mask_noise.slice(0, begin, end) : torch::Tensor()};
    part.weight = static_cast<double>(end - begin) / static_cast<double>(images);
  }
  return parts;
}

void RunShard(TrainTask& task, int64_t epoch, Precision precision,
              const std::vector<torch::Tensor>& parameters, StepTrace* trace, Shard& shard) {
  torch::Tensor loss;
  {
    const StepTrace::Phase phase(trace, "forward", shard.lane);
    const AutocastScope autocast(torch::Device(torch::kCPU), precision);
    shard.measure = task.Train(shard.batch, epoch);
    loss = shard.measure.loss * shard.weight;
  }
  const StepTrace::Phase phase(trace, "backward", shard.lane);
  const auto scaled = shard.scale == 1.0 ? loss : loss * shard.scale;
  shard.gradients = torch::autograd::grad({scaled}, parameters, /*grad_outputs=*/{}, /*retain_graph=*/false,
                                          /*create_graph=*/false, /*allow_unused=*/true);
  shard.measure.loss = loss.detach();
}

// In the order of the shards, so that rounding is the same every time.
TrainTask::Measure Merge(std::vector<Shard>& shards, const std::vector<torch::Tensor>& parameters) {
  for (size_t p = 0; p < parameters.size(); ++p) {
    auto sum = shards[0].gradients[p];
    for (size_t s = 1; s < shards.size() && sum.defined(); ++s) sum.add_(shards[s].gradients[p]);
    auto& gradient = parameters[p].mutable_grad();
    if (!gradient.defined()) {
      gradient = sum;
    } else if (sum.defined()) {
      gradient.add_(sum);
    }
  }
  auto whole = shards[0].measure;
  for (size_t s = 1; s < shards.size(); ++s) {
    whole.loss = whole.loss + shards[s].measure.loss;
    if (whole.correct.defined()) whole.correct = whole.correct + shards[s].measure.correct;
  }
  return whole;
}

}  // namespace

int64_t ShardsOf(const TrainTask& task, const Batch& batch, const torch::Device& device) {
  if (!device.is_cpu() || !task.shardable()) return 1;
  return std::clamp<int64_t>(batch.images.size(0) / kMinShardImages, 1, at::get_num_threads());
}

TrainTask::Measure ForwardAndBackwardInShards(TrainTask& task, const Batch& batch, int64_t epoch,
                                              Precision precision, int64_t shards, double scale,
                                              StepTrace* trace) {
  const auto parameters = TrainedParameters(task.model());
  const int threads = std::max<int>(1, at::get_num_threads() / static_cast<int>(shards));
  auto parts = SplitBatch(batch, shards);
  for (auto& part : parts) part.scale = scale;
  {
    std::vector<JoinedThread> workers;
    for (auto& part : parts) {
      workers.emplace_back([&] {
        try {
          at::set_num_threads(threads);  // of this thread's operations alone
          RunShard(task, epoch, precision, parameters, trace, part);
        } catch (...) {
          part.error = std::current_exception();
        }
      });
    }
  }
  for (const auto& part : parts) {
    if (part.error) std::rethrow_exception(part.error);
  }
  const StepTrace::Phase phase(trace, "sum_gradients");
  return Merge(parts, parameters);
}

}  // namespace mae
