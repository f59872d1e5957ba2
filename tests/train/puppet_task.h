#pragma once

#include <torch/torch.h>

#include <cmath>
#include <functional>

#include "train/train_task.h"

namespace mae {

/// A task whose model is one weight w with loss w x factor, the factor chosen by the test for each call.
/// "Labels" that equal 1 count as classified right.
class PuppetTask : public TrainTask {
 public:
  using Factor = std::function<double(int64_t call)>;
  explicit PuppetTask(Factor factor) : factor_(std::move(factor)) {
    weight_ = model_.register_parameter("w", torch::ones({1}));
  }

  torch::nn::Module& model() override { return model_; }
  TrainingKind kind() const override { return TrainingKind::kPretrain; }
  Measure Train(const Batch& batch, int64_t /*epoch*/) override {
    return {(weight_ * factor_(calls_++)).sum(), batch.labels.eq(1).sum().to(torch::kFloat32)};
  }
  /// Mean of the images, so that a test knows what the mean over all of them is.
  Measure Validate(const Batch& batch) override {
    return {batch.images.mean(), batch.labels.eq(1).sum().to(torch::kFloat32)};
  }
  ModelConfig config() const override { return {}; }

  double weight() const { return weight_.item<double>(); }

 private:
  Factor factor_;
  torch::nn::Module model_;
  torch::Tensor weight_;
  int64_t calls_ = 0;
};

}  // namespace mae
