#include "train/linear_probe_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors.h"
#include "tests/train/cpu_device.h"
#include "tests/train/probe_job.h"
#include "train/source_model.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::StartsWith;

class LinearProbeTaskTest : public testing::Test {
 protected:
  std::unique_ptr<LinearProbeTask> Create(const JobOptions& asked) {
    options_ = WithSourceModel(asked).value();
    data_ = LoadTrainData(options_).value();
    return LinearProbeTask::Create(
               options_, data_, kCpu, [](const PassProgress::Part&) {}, stop_)
        .value();
  }
  // The first images of the training split.
  Batch BatchOf(int64_t images) const {
    const BatchMaker maker(data_.train, options_.data.mean, options_.data.std_dev);
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < images; ++i) indices.push_back(i);
    return maker.Make(indices, 0);
  }
  static VisionTransformerImpl& ModelOf(TrainTask& task) {
    return dynamic_cast<VisionTransformerImpl&>(task.model());
  }

  const ProbeJob jobs_;
  JobOptions options_;
  TrainData data_;
  std::atomic<bool> stop_ = false;
};

TEST_F(LinearProbeTaskTest, TrainsTheHeadAlone) {
  const auto task = Create(jobs_.LinearProbe());
  std::vector<std::string> trained;
  for (const auto& item : task->model().named_parameters()) {
    if (item.value().requires_grad()) trained.push_back(item.key());
  }
  EXPECT_THAT(trained, ElementsAre("head.1.weight", "head.1.bias"));
}

TEST_F(LinearProbeTaskTest, NormalisesTheBatchWhileTheEncoderStaysInEvalMode) {
  const auto task = Create(jobs_.LinearProbe());
  task->model().train();
  const auto before = task->model().named_buffers()["head.0.running_mean"].clone();
  task->Train(BatchOf(16), 0);
  EXPECT_FALSE(torch::equal(before, task->model().named_buffers()["head.0.running_mean"]));
  EXPECT_EQ(task->model().named_buffers()["head.0.num_batches_tracked"].item<int64_t>(), 1);
  for (const auto& item : task->model().named_modules("", /*include_self=*/false)) {
    EXPECT_EQ(item.value()->is_training(), item.key().rfind("head", 0) == 0) << item.key();
  }
  task->model().eval();
  task->Validate(BatchOf(16));
  EXPECT_EQ(task->model().named_buffers()["head.0.num_batches_tracked"].item<int64_t>(), 1);
}

TEST_F(LinearProbeTaskTest, ABatchOfOneImageIsTakenByTheRunningStatistics) {
  const auto task = Create(jobs_.LinearProbe());
  task->model().train();
  EXPECT_TRUE(torch::isfinite(task->Train(BatchOf(1), 0).loss).item<bool>());
  EXPECT_EQ(task->model().named_buffers()["head.0.num_batches_tracked"].item<int64_t>(), 0);
}

TEST_F(LinearProbeTaskTest, KeptFeaturesAreThoseOfTheEncoder) {
  for (const auto pooling : {Pooling::kToken, Pooling::kMean}) {
    JobOptions plain = jobs_.LinearProbe(pooling), augmented = plain;
    augmented.augmentation.horizontal_flip = true;
    const auto kept = Create(plain);
    const auto kept_loss = kept->Train(BatchOf(16), 0).loss.item<double>();
    const auto fresh = Create(augmented);
    EXPECT_NEAR(kept_loss, fresh->Train(BatchOf(16), 0).loss.item<double>(), 1e-5);
  }
}

TEST_F(LinearProbeTaskTest, HeadStartsSmallWithoutBias) {
  const auto task = Create(jobs_.LinearProbe());
  const auto parameters = task->model().named_parameters();
  EXPECT_NEAR(parameters["head.1.weight"].std().item<double>(), 0.01, 0.005);
  EXPECT_EQ(parameters["head.1.bias"].abs().max().item<float>(), 0.0F);
}

TEST_F(LinearProbeTaskTest, StopsWhileTheEncoderLooks) {
  const auto task = Create(jobs_.LinearProbe());
  stop_ = true;
  EXPECT_THAT(LinearProbeTask::Create(
                  options_, data_, kCpu, [](const PassProgress::Part&) {}, stop_),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(LinearProbeTaskTest, LearnsAndIsPublishedAsAClassifier) {
  const JobFolder folder = jobs_.job().Folder("probe");
  JobOptions options = jobs_.LinearProbe(Pooling::kMean);
  // LARS needs thousands of steps.
  options.optimizer.algorithm = OptimizerAlgorithm::kAdamW;
  options.optimizer.learning_rate = 0.03;
  options.schedule.epochs = 15;
  ASSERT_THAT(jobs_.job().Run(options, folder), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_GT(SeriesOf(folder, "accuracy").back().value, 0.5) << "chance is 0.25";
  EXPECT_EQ(CardOf(folder).parent, "models/tiny/versions/1");
  const auto config = std::get<VisionTransformerOptions>(jobs_.ConfigOf(folder).model);
  EXPECT_TRUE(config.batch_norm_head);
  EXPECT_EQ(config.pooling, Pooling::kMean);
  std::vector<std::string> names;
  const auto exported = ReadSafetensors(folder.exported() / "model.safetensors").value().tensors;
  for (const auto& [name, tensor] : exported) names.push_back(name);
  EXPECT_THAT(names,
              IsSupersetOf({"head.0.running_mean", "head.0.running_var", "head.0.num_batches_tracked",
                            "head.1.weight", "head.1.bias", "fc_norm.weight", "blocks.1.mlp.fc2.bias"}));
  const auto pretrained =
      ReadSafetensors(jobs_.pretrained().exported() / "model.safetensors").value().tensors;
  for (const auto& [name, tensor] : exported) {
    for (const auto& [other, source] : pretrained) {
      EXPECT_TRUE(name != other || torch::equal(tensor, source)) << name << " must stay frozen";
    }
  }
}

TEST_F(LinearProbeTaskTest, AResumedProbeEqualsTheUninterruptedOneBitForBit) {
  const JobFolder whole = jobs_.job().Folder("whole"), stopped = jobs_.job().Folder("stopped");
  ASSERT_THAT(jobs_.job().Run(jobs_.LinearProbe(), whole), IsOkAndHolds(JobState::kSucceeded));
  ASSERT_THAT(jobs_.job().Run(jobs_.LinearProbe(), stopped, 7), IsOkAndHolds(JobState::kStopped));
  ASSERT_THAT(jobs_.job().Run(jobs_.LinearProbe(), stopped), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_EQ(CardOf(stopped).sha256, CardOf(whole).sha256);
}

TEST_F(LinearProbeTaskTest, AModelThatIsNotThereIsNamed) {
  auto options = jobs_.LinearProbe();
  options.set_from_weights("/nowhere");
  EXPECT_THAT(WithSourceModel(options),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(StartsWith("linear_probe.from_model: "), HasSubstr("/nowhere"))));
}

}  // namespace
}  // namespace mae
