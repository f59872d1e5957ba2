#include "train/sharded_step.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/train/cpu_device.h"
#include "tests/train/tiny_job.h"
#include "train/finetune_task.h"

namespace mae {
namespace {

Batch SomeBatch(int64_t images) {
  torch::manual_seed(1);
  std::vector<int64_t> indices(static_cast<size_t>(images));
  std::iota(indices.begin(), indices.end(), 100);
  return {torch::randn({images, 1, 12, 12}), torch::arange(images).remainder(4), indices};
}

// Loss, count of right answers and all gradients after one pass in `shards` parts.
struct Pass {
  double loss = 0, correct = 0;
  std::vector<torch::Tensor> gradients;
};

Pass PassIn(int64_t shards, TrainTask& task, const Batch& batch) {
  task.model().train();
  task.model().zero_grad(/*set_to_none=*/true);
  const auto measure = ForwardAndBackwardInShards(task, batch, /*epoch=*/3, Precision::kFp32, shards);
  Pass pass{
      measure.loss.item<double>(), measure.correct.defined() ? measure.correct.item<double>() : 0.0, {}};
  EXPECT_FALSE(measure.loss.requires_grad());
  for (const auto& parameter : task.model().parameters()) {
    if (parameter.requires_grad()) pass.gradients.push_back(parameter.grad().clone());
  }
  return pass;
}

void ExpectSamePass(const Pass& whole, const Pass& parts) {
  EXPECT_NEAR(whole.loss, parts.loss, 1e-5);
  EXPECT_EQ(whole.correct, parts.correct);
  ASSERT_EQ(whole.gradients.size(), parts.gradients.size());
  for (size_t i = 0; i < whole.gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(whole.gradients[i], parts.gradients[i], 1e-3, 1e-6)) << "parameter " << i;
  }
}

class ThrowingTask : public TrainTask {
 public:
  torch::nn::Module& model() override { return model_; }
  TrainingKind kind() const override { return TrainingKind::kPretrain; }
  Measure Train(const Batch&, int64_t) override { TORCH_CHECK(false, "no such batch"); }
  Measure Validate(const Batch&) override { return {}; }
  ModelConfig config() const override { return {}; }

 private:
  torch::nn::Module model_;
};

TEST(ShardedStep, PartsOfUnequalSizeAddUpToTheWholeInFineTuning) {
  const TinyJob job;
  auto task = FinetuneTask::Create(job.Finetune(), {}, kCpu).value();
  const auto batch = SomeBatch(7);
  ExpectSamePass(PassIn(1, *task, batch), PassIn(3, *task, batch));
}

TEST(ShardedStep, SoftTargetsAreSplitWithTheirImages) {
  const TinyJob job;
  JobOptions options = job.Finetune();
  options.augmentation.mixup_alpha = 0.8;
  auto task = FinetuneTask::Create(options, {}, kCpu).value();
  const auto batch = task->Prepare(SomeBatch(7), 0);
  ASSERT_TRUE(batch.targets.defined());
  const auto whole = PassIn(1, *task, batch);
  EXPECT_NEAR(whole.loss, task->Train(batch, 0).loss.item<double>(), 1e-5)
      << "of the targets, not the labels";
  ExpectSamePass(whole, PassIn(3, *task, batch));
}

TEST(ShardedStep, RepeatsItselfBitForBit) {
  const TinyJob job;
  auto task = FinetuneTask::Create(job.Finetune(), {}, kCpu).value();
  const auto batch = SomeBatch(64);
  const auto first = PassIn(2, *task, batch), second = PassIn(2, *task, batch);
  EXPECT_EQ(first.loss, second.loss);
  for (size_t i = 0; i < first.gradients.size(); ++i) {
    EXPECT_TRUE(first.gradients[i].equal(second.gradients[i])) << "parameter " << i;
  }
}

TEST(ShardedStep, WhatOnePartThrowsComesOut) {
  ThrowingTask task;
  EXPECT_THROW(ForwardAndBackwardInShards(task, SomeBatch(4), 0, Precision::kFp32, 2), c10::Error);
}

TEST(ShardedStep, OnlyIndependentPartsOfEnoughImagesAreSplit) {
  const TinyJob job;
  auto options = job.Finetune();
  const int threads = at::get_num_threads();
  at::set_num_threads(4);
  auto task = FinetuneTask::Create(options, {}, kCpu).value();
  EXPECT_EQ(ShardsOf(*task, SomeBatch(256), kCpu), 4);
  EXPECT_EQ(ShardsOf(*task, SomeBatch(64), kCpu), 2);
  EXPECT_EQ(ShardsOf(*task, SomeBatch(8), kCpu), 1);
  EXPECT_EQ(ShardsOf(*task, SomeBatch(256), torch::Device(torch::kCUDA)), 1);
  std::get<FinetuneOptions>(options.kind).model.drop_path = 0.1;
  auto drawing = FinetuneTask::Create(options, {}, kCpu).value();
  EXPECT_EQ(ShardsOf(*drawing, SomeBatch(256), kCpu), 1);
  at::set_num_threads(threads);
}

TEST(ShardedStep, AddsScaledGradientsToThoseThatAreThere) {
  const TinyJob job;
  const auto task = FinetuneTask::Create(job.Finetune(), {}, kCpu).value();
  const Batch batch = SomeBatch(64);
  const auto once = PassIn(2, *task, batch);
  task->model().zero_grad(/*set_to_none=*/true);
  double loss = 0;
  for (int pass = 0; pass < 2; ++pass) {
    loss = ForwardAndBackwardInShards(*task, batch, /*epoch=*/3, Precision::kFp32, 2, /*scale=*/0.5)
               .loss.item<double>();
  }
  EXPECT_EQ(loss, once.loss) << "the measure is not scaled";
  size_t i = 0;
  for (const auto& parameter : task->model().parameters()) {
    if (!parameter.requires_grad()) continue;
    EXPECT_TRUE(torch::allclose(parameter.grad(), once.gradients[i++], 1e-5, 1e-8));
  }
}

}  // namespace
}  // namespace mae
