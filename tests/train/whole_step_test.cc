#include "train/whole_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/cpu_device.h"
#include "tests/train/puppet_task.h"
#include "tests/train/stepped_job.h"
#include "tests/train/tiny_job.h"
#include "train/finetune_task.h"
#include "train/pretrain_task.h"
#include "train/train_step.h"

namespace mae {
namespace {

void ExpectTheSame(SteppedJob& whole, SteppedJob& plain) {
  for (int64_t i = 0; i < 6; ++i) {
    const auto result = whole.Step(i, i == 4 ? 7 : 16), expected = plain.Step(i, i == 4 ? 7 : 16);
    ASSERT_TRUE(result.taken_there.defined()) << "not a whole step";
    EXPECT_EQ(result.taken_there.item<float>(), 1.0F);
    EXPECT_FALSE(expected.taken_there.defined());
    EXPECT_TRUE(torch::allclose(result.measure.loss, expected.measure.loss, 1e-5, 1e-6)) << i;
    EXPECT_TRUE(torch::allclose(result.grad_norm, expected.grad_norm, 1e-4, 1e-6)) << i;
    ASSERT_EQ(result.measure.correct.defined(), expected.measure.correct.defined());
    if (result.measure.correct.defined()) {
      EXPECT_TRUE(torch::equal(result.measure.correct, expected.measure.correct)) << i;
    }
  }
  const auto all = whole.Everything(), wanted = plain.Everything();
  ASSERT_EQ(all.size(), wanted.size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(torch::allclose(all[i], wanted[i], 1e-4, 1e-6)) << i;
}

TEST(WholeStep, PretrainsAsThePlainStepDoes) {
  const TinyJob job;
  JobOptions options = WithoutKeyBias(job.Pretrain());
  options.optimizer.clip_grad_norm = 0.5;
  const auto make = [&] { return std::make_unique<PretrainTask>(options, std::vector<std::string>(), kCpu); };
  SteppedJob whole(options, make(), TrainStep::Form::kWhole), plain(options, make(), TrainStep::Form::kPlain);
  ExpectTheSame(whole, plain);
}

TEST(WholeStep, FineTunesAsThePlainStepDoesWithDropPathAndMixedImages) {
  const TinyJob job;
  JobOptions options = WithoutKeyBias(job.Finetune());
  std::get<FinetuneOptions>(options.kind).model.drop_path = 0.4;
  options.augmentation.mixup_alpha = 0.8;
  options.optimizer.layer_decay = 0.5;
  const auto make = [&] { return FinetuneTask::Create(options, {}, kCpu).value(); };
  SteppedJob whole(options, make(), TrainStep::Form::kWhole), plain(options, make(), TrainStep::Form::kPlain);
  ExpectTheSame(whole, plain);
}

// A puppet that may be recorded.
class SteadyPuppet : public PuppetTask {
 public:
  using PuppetTask::PuppetTask;
  bool recordable() const override { return true; }
};

TEST(WholeStep, OneThatIsNotFiniteChangesNothing) {
  const TinyJob job;
  auto task = std::make_unique<SteadyPuppet>([](int64_t call) {
    return call == 1 ? std::nan("") : call == 2 ? HUGE_VAL : 2.0;
  });
  SteppedJob run(job.Pretrain(), std::move(task), TrainStep::Form::kWhole);
  EXPECT_EQ(run.Step(0).taken_there.item<float>(), 1.0F);
  std::vector<torch::Tensor> before;
  for (const auto& tensor : run.Everything()) before.push_back(tensor.detach().clone());
  EXPECT_EQ(run.Step(1).taken_there.item<float>(), 0.0F);
  EXPECT_EQ(run.Step(2).taken_there.item<float>(), 0.0F);
  const auto after = run.Everything();
  for (size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(torch::equal(after[i], before[i])) << i;
  EXPECT_EQ(run.Step(3).taken_there.item<float>(), 1.0F);
  EXPECT_FALSE(torch::equal(run.Everything()[0], before[0]));
}

TEST(WholeStep, IsForJobsWhoseStepsNeedNothingOfTheHost) {
  const TinyJob job;
  JobOptions options = job.Pretrain();
  PretrainTask task(options, {}, kCpu);
  const auto optimizer = [&] {
    return MakeOptimizer(MakeParamGroups(task.model(), options.optimizer, task.kind()), options.optimizer);
  };
  EXPECT_TRUE(WholeStep::CanRun(options, task, *optimizer()));
  PuppetTask puppet([](int64_t) { return 1.0; });
  EXPECT_FALSE(WholeStep::CanRun(options, puppet, *optimizer()));
  options.optimizer.accumulate_steps = 2;
  EXPECT_FALSE(WholeStep::CanRun(options, task, *optimizer()));
  options.optimizer.accumulate_steps = 1;
  options.optimizer.algorithm = OptimizerAlgorithm::kLars;
  EXPECT_FALSE(WholeStep::CanRun(options, task, *optimizer()));
}

TEST(WholeStep, GradientsThatAreAskedForAreThoseOfAPlainStep) {
  const TinyJob job;
  const JobOptions options = job.Pretrain();
  SteppedJob run(options, std::make_unique<PretrainTask>(options, std::vector<std::string>(), kCpu),
                 TrainStep::Form::kWhole);
  const Batch batch{torch::randn({2, 1, 12, 12}), torch::zeros({2}, torch::kInt64), {0, 1}};
  const auto result = run.step.Run(batch, 0, 0, 1e-3, /*histograms=*/true);
  EXPECT_FALSE(result.taken_there.defined());
  EXPECT_TRUE(result.taken);
  EXPECT_FALSE(result.gradients.empty());
}

}  // namespace
}  // namespace mae
