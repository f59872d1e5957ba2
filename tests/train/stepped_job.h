#pragma once

#include <torch/torch.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "optim/adamw.h"
#include "optim/ema.h"
#include "tests/fakes/lone_rank.h"
#include "tests/train/cpu_device.h"
#include "train/train_step.h"

namespace mae {

// What keys are biased by has no gradient but rounding, which AdamW makes steps of: without such biases.
inline JobOptions WithoutKeyBias(JobOptions options) {
  std::visit(
      [](auto& kind) {
        if constexpr (requires { kind.model.encoder; }) kind.model.encoder.qkv_bias = false;
      },
      options.kind);
  return options;
}

// A job of a kind with everything that its steps are made of.
struct SteppedJob {
  SteppedJob(const JobOptions& options_in, std::unique_ptr<TrainTask> task_in, TrainStep::Form form,
             const torch::Device& device_in = kCpu)
      : options(options_in),
        device(device_in),
        task(std::move(task_in)),
        adamw(MakeParamGroups(task->model(), options.optimizer, task->kind()), options.optimizer),
        ema(task->model(), 0.9),
        step(options, *task, adamw, device, LoneRank(), form,
             [this](const std::string& warning) { warnings.push_back(warning); }) {
    adamw.SetEma(&ema);
    task->model().train();
  }

  // Of images that are a function of the number, as are the masks.
  TrainStep::Result Step(int64_t number, int64_t images = 16, double factor = 1.0) {
    torch::manual_seed(static_cast<uint64_t>(number));
    Batch batch{
        (torch::randn({images, 1, 12, 12}) * factor).to(device), (torch::arange(images) % 4).to(device), {}};
    batch.indices.resize(static_cast<size_t>(images));
    std::iota(batch.indices.begin(), batch.indices.end(), number);
    return step.Run(batch, 0, number, 1e-3 * static_cast<double>(number + 1));
  }

  std::vector<torch::Tensor> Everything() {
    std::vector<torch::Tensor> all = task->model().parameters();
    for (const auto& [name, tensor] : adamw.State()) all.push_back(tensor);
    for (const auto& [name, tensor] : ema.State()) all.push_back(tensor);
    return all;
  }

  const JobOptions options;
  const torch::Device device;
  std::vector<std::string> warnings;
  std::unique_ptr<TrainTask> task;
  AdamW adamw;
  Ema ema;
  TrainStep step;
};

}  // namespace mae
