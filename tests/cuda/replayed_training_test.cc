#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/cuda/gpu.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/stepped_job.h"
#include "tests/train/tiny_job.h"
#include "train/finetune_task.h"
#include "train/pretrain_task.h"

namespace mae {
namespace {

using testing::IsEmpty;

class ReplayedTraining : public Gpu {
 protected:
  using MakeTask = std::function<std::unique_ptr<TrainTask>(const JobOptions& options)>;

  // Steps that are replayed against the same that are launched one by one, an odd batch among them.
  void ExpectReplaysToLeaveWhatLaunchesLeave(JobOptions options, const MakeTask& make) {
    SteppedJob recorded(options, make(options), TrainStep::Form::kWhole, device_);
    options.cuda_graphs = false;
    SteppedJob launched(options, make(options), TrainStep::Form::kWhole, device_);
    for (int64_t i = 0; i < 12; ++i) {
      const int64_t images = i == 7 ? 5 : 16;
      const auto result = recorded.Step(i, images), expected = launched.Step(i, images);
      EXPECT_EQ(recorded.step.replays(), i >= RecordedStep::kPlainSteps && i != 7) << i;
      EXPECT_FALSE(launched.step.replays());
      EXPECT_TRUE(torch::allclose(result.measure.loss, expected.measure.loss, 1e-3, 1e-5)) << i;
      EXPECT_TRUE(torch::allclose(result.grad_norm, expected.grad_norm, 1e-2, 1e-5)) << i;
    }
    const auto all = recorded.Everything(), wanted = launched.Everything();
    ASSERT_EQ(all.size(), wanted.size());
    for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(torch::allclose(all[i], wanted[i], 1e-2, 1e-4)) << i;
    EXPECT_THAT(recorded.warnings, IsEmpty());
  }

  JobOptions Pretrain(Precision precision) const {
    JobOptions options = WithoutKeyBias(job_.Pretrain());
    options.optimizer.clip_grad_norm = 0.5;
    options.precision = precision;
    return options;
  }

  MakeTask PretrainTasks() const {
    return [this](const JobOptions& options) {
      return std::make_unique<PretrainTask>(options, std::vector<std::string>(), device_);
    };
  }

  const TinyJob job_;
};

TEST_F(ReplayedTraining, PretrainingInFp32LeavesWhatLaunchedStepsLeave) {
  ExpectReplaysToLeaveWhatLaunchesLeave(Pretrain(Precision::kFp32), PretrainTasks());
}

TEST_F(ReplayedTraining, PretrainingInBf16LeavesWhatLaunchedStepsLeave) {
  ExpectReplaysToLeaveWhatLaunchesLeave(Pretrain(Precision::kBf16), PretrainTasks());
}

TEST_F(ReplayedTraining, FineTuningWithDropPathAndMixedImagesLeavesWhatLaunchedStepsLeave) {
  JobOptions options = WithoutKeyBias(job_.Finetune());
  std::get<FinetuneOptions>(options.kind).model.drop_path = 0.4;
  options.augmentation.mixup_alpha = 0.8;
  options.optimizer.layer_decay = 0.5;
  ExpectReplaysToLeaveWhatLaunchesLeave(
      options, [this](const JobOptions& asked) { return FinetuneTask::Create(asked, {}, device_).value(); });
}

TEST_F(ReplayedTraining, AReplayThatIsNotFiniteChangesNothing) {
  const JobOptions options = Pretrain(Precision::kFp32);
  SteppedJob run(options, PretrainTasks()(options), TrainStep::Form::kWhole, device_);
  for (int64_t i = 0; i < 5; ++i) run.Step(i);
  ASSERT_TRUE(run.step.replays());
  std::vector<torch::Tensor> before;
  for (const auto& tensor : run.Everything()) before.push_back(tensor.detach().clone());
  const auto result = run.Step(5, 16, std::nan(""));
  EXPECT_TRUE(run.step.replays());
  EXPECT_EQ(result.taken_there.item<float>(), 0.0F);
  const auto after = run.Everything();
  for (size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(torch::equal(after[i], before[i])) << i;
  EXPECT_EQ(run.Step(6).taken_there.item<float>(), 1.0F);
}

// The whole way of a job: bytes that the GPU crops, batches on a stream of their own, late verdicts, the
// average, validation between replays, checkpoints. Against the CPU, whose batches and masks are the same.
TEST_F(ReplayedTraining, AJobLearnsAsItDoesOnACpu) {
  const auto losses = [&](const std::string& device, bool graphs) {
    JobOptions options = WithoutKeyBias(job_.Pretrain());
    options.augmentation.horizontal_flip = true;
    options.augmentation.random_resized_crop.emplace();
    options.optimizer.ema_decay = 0.9;
    options.schedule.epochs = 3;
    options.device = device;
    options.cuda_graphs = graphs;
    const auto folder = job_.Folder(device + (graphs ? "-graphs" : ""));
    EXPECT_THAT(job_.Run(options, folder), IsOkAndHolds(JobState::kSucceeded));
    for (const auto& event : EventsOf<LogEvent>(folder)) EXPECT_NE(event.severity, "warning") << event.text;
    std::vector<double> values;
    for (const auto& point : SeriesOf(folder, "validation_loss")) values.push_back(point.value);
    return values;
  };
  const auto cpu = losses("cpu", true), replayed = losses("cuda:0", true), launched = losses("cuda:0", false);
  ASSERT_EQ(cpu.size(), 3U);
  ASSERT_EQ(replayed.size(), 3U);
  ASSERT_EQ(launched.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(replayed[i], launched[i], 1e-3 * launched[i]) << i;
    EXPECT_NEAR(replayed[i], cpu[i], 1e-2 * cpu[i]) << i;
  }
}

TEST_F(ReplayedTraining, AStoppedJobGoesOnAsIfItHadNotBeen) {
  JobOptions options = WithoutKeyBias(job_.Pretrain());
  options.schedule.epochs = 3;
  options.device = "cuda:0";
  const auto straight = job_.Folder("straight"), halting = job_.Folder("halting");
  ASSERT_THAT(job_.Run(options, straight), IsOkAndHolds(JobState::kSucceeded));
  ASSERT_THAT(job_.Run(options, halting, /*stop_at_step=*/7), IsOkAndHolds(JobState::kStopped));
  ASSERT_THAT(job_.Run(options, halting), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_NEAR(SeriesOf(halting, "validation_loss").back().value,
              SeriesOf(straight, "validation_loss").back().value, 1e-3);
}

}  // namespace
}  // namespace mae
