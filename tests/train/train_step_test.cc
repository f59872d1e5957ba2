#include "train/train_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "absl/strings/match.h"
#include "optim/adamw.h"
#include "tests/fakes/lone_rank.h"
#include "tests/train/cpu_device.h"
#include "tests/train/puppet_task.h"
#include "tests/train/tiny_job.h"
#include "train/finetune_task.h"
#include "train/pretrain_task.h"

namespace mae {
namespace {

constexpr double kNaN = std::nan("");

Batch AnyBatch() { return {torch::zeros({2, 1, 1, 1}), torch::zeros({2}, torch::kInt64), {0, 1}}; }

JobOptions Options() {
  JobOptions options;
  options.precision = Precision::kFp32;
  options.optimizer.weight_decay = 0.0;
  return options;
}

std::vector<ParamGroup> Groups(TrainTask& task, const JobOptions& options) {
  return MakeParamGroups(task.model(), options.optimizer, task.kind());
}

TEST(TrainStep, StepsAgainstTheGradientByTheLearningRate) {
  PuppetTask task([](int64_t) { return 2.0; });
  const JobOptions options = Options();
  AdamW adamw(Groups(task, options), options.optimizer);
  const auto result = TrainStep(options, task, adamw, kCpu, LoneRank()).Run(AnyBatch(), 0, 0, 0.1);
  EXPECT_TRUE(result.taken);
  EXPECT_EQ(result.measure.loss.item<double>(), 2.0);
  EXPECT_FALSE(result.measure.loss.requires_grad());
  EXPECT_EQ(result.grad_norm.item<double>(), 2.0);
  EXPECT_NEAR(task.weight(), 0.9, 1e-6) << "AdamW's first step is the learning rate itself";
}

TEST(TrainStep, TrainsWhatTheTaskPreparedOfTheBatch) {
  const TinyJob job;
  JobOptions options = job.Finetune();
  options.augmentation.mixup_alpha = 0.8;
  const auto task = FinetuneTask::Create(options, {}, kCpu).value();
  const Batch batch{torch::randn({4, 1, 12, 12}), torch::tensor({0, 1, 2, 3}), {0, 1, 2, 3}};
  const double expected = task->Train(task->Prepare(batch, 2), 2).loss.item<double>();
  ASSERT_NE(expected, task->Train(batch, 2).loss.item<double>());
  AdamW adamw(Groups(*task, options), options.optimizer);
  EXPECT_NEAR(
      TrainStep(options, *task, adamw, kCpu, LoneRank()).Run(batch, 2, 0, 0.1).measure.loss.item<double>(),
      expected, 1e-6);
}

TEST(TrainStep, LeavesWeightsAndMomentsAloneWhereLossOrGradientIsNotFinite) {
  PuppetTask task([](int64_t call) { return call == 1 ? kNaN : call == 2 ? HUGE_VAL : 2.0; });
  const JobOptions options = Options();
  AdamW adamw(Groups(task, options), options.optimizer);
  TrainStep step(options, task, adamw, kCpu, LoneRank());
  ASSERT_TRUE(step.Run(AnyBatch(), 0, 0, 0.1).taken);
  const double before = task.weight();
  EXPECT_FALSE(step.Run(AnyBatch(), 0, 1, 0.1).taken);
  EXPECT_FALSE(step.Run(AnyBatch(), 0, 2, 0.1).taken);
  EXPECT_EQ(task.weight(), before);
  EXPECT_TRUE(step.Run(AnyBatch(), 0, 3, 0.1).taken);
  EXPECT_NEAR(task.weight(), before - 0.1, 1e-6) << "the gradient of a skipped step must not linger";
}

TEST(TrainStep, ReportsTheNormBeforeClipping) {
  PuppetTask task([](int64_t) { return 100.0; });
  JobOptions options = Options();
  options.optimizer.clip_grad_norm = 1.0;
  AdamW adamw(Groups(task, options), options.optimizer);
  EXPECT_EQ(
      TrainStep(options, task, adamw, kCpu, LoneRank()).Run(AnyBatch(), 0, 0, 0.1).grad_norm.item<double>(),
      100.0);
}

TEST(TrainStep, TakesTheSameClippedStepWhetherItShowsTheGradientsOrNot) {
  for (const bool histograms : {false, true}) {
    PuppetTask task([](int64_t) { return 100.0; });
    JobOptions options = Options();
    options.optimizer.algorithm = OptimizerAlgorithm::kSgd;
    options.optimizer.clip_grad_norm = 1.0;
    const auto sgd = MakeOptimizer(Groups(task, options), options.optimizer);
    const auto result =
        TrainStep(options, task, *sgd, kCpu, LoneRank()).Run(AnyBatch(), 0, 0, 0.1, histograms);
    EXPECT_NEAR(task.weight(), 1.0 - 0.1, 1e-6) << "of a gradient of length 1";
    EXPECT_EQ(result.grad_norm.item<double>(), 100.0);
    EXPECT_EQ(result.gradients.empty(), !histograms);
  }
}

TEST(TrainStep, DropPathIsAFunctionOfTheStep) {
  const TinyJob job;
  JobOptions options = job.Finetune();
  std::get<FinetuneOptions>(options.kind).model.drop_path = 0.5;
  const Batch batch{torch::randn({8, 1, 12, 12}), torch::zeros({8}, torch::kInt64), {}};
  const auto loss_at = [&](int64_t step) {
    auto task = FinetuneTask::Create(options, {}, kCpu).value();
    AdamW adamw(Groups(*task, options), options.optimizer);
    task->model().train();
    return TrainStep(options, *task, adamw, kCpu, LoneRank())
        .Run(batch, 0, step, 0.0)
        .measure.loss.item<double>();
  };
  EXPECT_EQ(loss_at(1), loss_at(1));
  EXPECT_NE(loss_at(1), loss_at(2));
}

// Of the graph behind a loss, those that compute a block again.
int64_t RecomputedBlocks(const torch::Tensor& loss) {
  std::set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> next = {loss.grad_fn().get()};
  int64_t found = 0;
  while (!next.empty()) {
    torch::autograd::Node* const node = next.back();
    next.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    found += absl::StrContains(node->name(), "Recomputed") ? 1 : 0;
    for (const auto& edge : node->next_edges()) next.push_back(edge.function.get());
  }
  return found;
}

TEST(TrainStep, TrainsTheSameWeightsFromActivationsComputedAgain) {
  const TinyJob job;
  const Batch batch{torch::randn({64, 1, 12, 12}), torch::zeros({64}, torch::kInt64),
                    std::vector<int64_t>(64, 7)};
  const auto trained = [&](JobOptions options, bool recompute) {
    options.recompute_activations = recompute;
    std::unique_ptr<TrainTask> task;
    if (options.is_pretrain()) {
      task = std::make_unique<PretrainTask>(options, std::vector<std::string>(), kCpu);
    } else {
      std::get<FinetuneOptions>(options.kind).model.drop_path = 0.5;
      task = FinetuneTask::Create(options, {}, kCpu).value();
    }
    const auto optimizer = MakeOptimizer(Groups(*task, options), options.optimizer);
    TrainStep step(options, *task, *optimizer, kCpu, LoneRank());
    task->model().train();
    const int64_t blocks = options.is_pretrain() ? 2 + 1 : 2;  // the encoder's depth and the decoder's
    EXPECT_EQ(RecomputedBlocks(task->Train(task->Prepare(batch, 0), 0).loss), recompute ? blocks : 0);
    for (int64_t i = 0; i < 2; ++i) EXPECT_TRUE(step.Run(batch, 0, i, 1e-3).taken);
    return torch::nn::utils::parameters_to_vector(task->model().parameters()).detach();
  };
  for (const auto& options : {job.Pretrain(), job.Finetune()}) {
    EXPECT_TRUE(torch::equal(trained(options, true), trained(options, false))) << options.kind_name();
  }
}

// SGD without momentum: what moves the weight is the gradient itself.
JobOptions Accumulating(int64_t batches) {
  JobOptions options = Options();
  options.optimizer.algorithm = OptimizerAlgorithm::kSgd;
  options.optimizer.momentum = 0.0;
  options.optimizer.accumulate_steps = batches;
  return options;
}

TEST(TrainStep, AddsTheGradientsOfSeveralBatchesUp) {
  PuppetTask task([](int64_t call) { return call == 0 ? 2.0 : 4.0; });
  const JobOptions options = Accumulating(2);
  const auto sgd = MakeOptimizer(Groups(task, options), options.optimizer);
  TrainStep step(options, task, *sgd, kCpu, LoneRank());
  const auto first = step.Run(AnyBatch(), 0, 0, 0.1);
  EXPECT_FALSE(first.due);
  EXPECT_TRUE(first.taken);
  EXPECT_FALSE(first.grad_norm.defined());
  EXPECT_EQ(first.measure.loss.item<double>(), 2.0) << "the loss of the batch, not divided";
  EXPECT_EQ(task.weight(), 1.0);
  const auto second = step.Run(AnyBatch(), 0, 1, 0.1);
  EXPECT_TRUE(second.due);
  EXPECT_TRUE(second.taken);
  EXPECT_EQ(second.grad_norm.item<double>(), 3.0);
  EXPECT_NEAR(task.weight(), 1.0 - 0.1 * 3.0, 1e-6);
  EXPECT_TRUE(sgd->Gradients().empty());
}

TEST(TrainStep, ABatchThatIsNotFiniteSpoilsTheStepOfAllThatAddUp) {
  PuppetTask task([](int64_t call) { return call == 0 ? kNaN : 2.0; });
  const JobOptions options = Accumulating(2);
  const auto sgd = MakeOptimizer(Groups(task, options), options.optimizer);
  TrainStep step(options, task, *sgd, kCpu, LoneRank());
  EXPECT_FALSE(step.Run(AnyBatch(), 0, 0, 0.1).taken);
  EXPECT_FALSE(step.Run(AnyBatch(), 0, 1, 0.1).taken);
  EXPECT_EQ(task.weight(), 1.0);
  step.Run(AnyBatch(), 0, 2, 0.1);
  EXPECT_TRUE(step.Run(AnyBatch(), 0, 3, 0.1).taken);
  EXPECT_NEAR(task.weight(), 0.8, 1e-6);
}

// A model that learns in bf16 loses as it does in fp32, step by step.
TEST(TrainStep, Bf16FollowsFp32) {
  const auto losses = [](Precision precision) {
    JobOptions options;
    options.precision = precision;
    PretrainOptions pretrain;
    auto& model = pretrain.model;
    model.encoder.image_height = model.encoder.image_width = 16;
    model.encoder.channels = 1;
    model.encoder.patch_size = 4;
    model.encoder.embed_dim = 64;
    model.encoder.depth = 2;
    model.encoder.num_heads = 2;
    model.decoder.embed_dim = 32;
    model.decoder.depth = 2;
    model.decoder.num_heads = 2;
    options.kind = pretrain;
    PretrainTask task(options, {}, kCpu);
    AdamW adamw(Groups(task, options), options.optimizer);
    TrainStep step(options, task, adamw, kCpu, LoneRank());
    torch::manual_seed(1);
    const auto ramps = torch::linspace(-1, 1, 16).expand({64, 1, 16, 16}) * torch::randn({64, 1, 1, 1});
    std::vector<int64_t> indices(64);
    std::iota(indices.begin(), indices.end(), 0);
    std::vector<double> found;
    for (int64_t s = 0; s < 40; ++s) {
      const Batch batch{ramps, torch::zeros({64}, torch::kInt64), indices};
      found.push_back(step.Run(batch, 0, s, 2e-3).measure.loss.item<double>());
    }
    return found;
  };
  const auto exact = losses(Precision::kFp32), rounded = losses(Precision::kBf16);
  EXPECT_LT(exact.back(), 0.5 * exact.front()) << "it does not learn";
  for (size_t s = 0; s < exact.size(); ++s) EXPECT_NEAR(rounded[s], exact[s], 0.05 * exact[s] + 0.01) << s;
}

}  // namespace
}  // namespace mae
