#include "train/train_job.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "base/durable_file.h"
#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/safetensors.h"
#include "image/codec.h"
#include "options/model_json.h"
#include "tests/fakes/lone_rank.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/cpu_device.h"
#include "tests/train/tiny_job.h"
#include "train/pretrain_task.h"
#include "train/train_state.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

class TrainJobTest : public testing::Test {
 protected:
  TinyJob job_;
};

TEST_F(TrainJobTest, PretrainingLearns) {
  JobOptions options = job_.Pretrain();
  options.schedule.epochs = 10;
  options.pictures = 0;
  const JobFolder folder = job_.Folder("pretrain");
  ASSERT_THAT(job_.Run(options, folder), IsOkAndHolds(JobState::kSucceeded));
  const auto loss = SeriesOf(folder, "loss"), validation = SeriesOf(folder, "validation_loss");
  EXPECT_LT(loss.back().value, 0.7 * loss.front().value);
  EXPECT_LT(validation.back().value, 0.7 * validation.front().value);
}

TEST_F(TrainJobTest, RecordsItsWholeLife) {
  const JobFolder folder = job_.Folder("pretrain");
  ASSERT_THAT(job_.Run(job_.Pretrain(), folder), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_THAT(EventsOf<StateEvent>(folder),
              ElementsAre(StateEvent{JobState::kRunning, {}}, StateEvent{JobState::kSucceeded, {}}));
  EXPECT_THAT(StepsOf(folder, "loss"), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(StepsOf(folder, "validation_loss"), ElementsAre(5, 10));
  EXPECT_THAT(EventsOf<MetricsEvent>(folder),
              Each(AllOf(Field(&MetricsEvent::total_steps, 10), Field(&MetricsEvent::epochs, 2))));
  EXPECT_EQ(EventsOf<CheckpointEvent>(folder).size(), 2u);
}

TEST_F(TrainJobTest, DrawsAPictureEachEpochAndOthersBeforeAndAfterAll) {
  const JobFolder folder = job_.Folder("pretrain");
  ASSERT_THAT(job_.Run(job_.Pretrain(), folder), IsOk());
  std::vector<std::pair<int64_t, std::string>> drawn;
  for (const auto& picture : EventsOf<PictureEvent>(folder)) {
    drawn.emplace_back(picture.epoch, picture.path);
    const auto png = ReadFile(folder.root() / picture.path);
    ASSERT_THAT(png, IsOk());
    EXPECT_THAT(DecodePicture(*png, 1 << 24), IsOk());
  }
  EXPECT_THAT(drawn, ElementsAre(Pair(0, "samples/mask-ratios-before.png"), Pair(1, "samples/epoch-001.png"),
                                 Pair(2, "samples/epoch-002.png"), Pair(2, "samples/mask-ratios-after.png")));
}

TEST_F(TrainJobTest, ExportsTheTrainedModelWithItsCard) {
  const JobOptions options = job_.Pretrain();
  const JobFolder folder = job_.Folder("pretrain");
  ASSERT_THAT(job_.Run(options, folder), IsOk());
  const ModelCard card = CardOf(folder);
  EXPECT_EQ(card.job, "pretrain");
  EXPECT_EQ(card.recipe, "tiny");
  EXPECT_EQ(card.dataset, "gratings");
  EXPECT_EQ(card.parent, "");
  EXPECT_EQ(card.metrics.at("validation_loss"), SeriesOf(folder, "validation_loss").back().value);
  EXPECT_EQ(card.metrics.at("loss"), SeriesOf(folder, "loss").back().value);
  const auto config = ModelConfigFromJson(ReadFile(folder.exported() / "config.json").value());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(std::get<MaskedAutoencoderOptions>(config->model), std::get<PretrainOptions>(options.kind).model);
  EXPECT_EQ(config->mean, options.data.mean);
}

TEST_F(TrainJobTest, RunAgainAfterTheEndGivesTheSameModel) {
  const JobFolder folder = job_.Folder("pretrain");
  ASSERT_THAT(job_.Run(job_.Pretrain(), folder), IsOk());
  const ModelCard card = CardOf(folder);
  std::filesystem::remove_all(folder.exported());
  ASSERT_THAT(job_.Run(job_.Pretrain(), folder), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_EQ(CardOf(folder), card);
}

TEST_F(TrainJobTest, FinetunesWhatWasPretrainedAndBeatsChance) {
  const JobFolder pretrained = job_.Folder("pretrain"), folder = job_.Folder("finetune");
  ASSERT_THAT(job_.Run(job_.Pretrain(), pretrained), IsOk());
  JobOptions options = job_.Finetune();
  options.schedule.epochs = 12;
  auto& finetune = std::get<FinetuneOptions>(options.kind);
  finetune.from_weights = pretrained.exported();
  finetune.from_model = "models/gratings/versions/1";
  ASSERT_THAT(job_.Run(options, folder), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_GT(SeriesOf(folder, "accuracy").back().value, 0.6) << "chance is 0.25";
  EXPECT_THAT(EventsOf<PictureEvent>(folder), IsEmpty());
  EXPECT_EQ(CardOf(folder).parent, "models/gratings/versions/1");
  EXPECT_EQ(CardOf(folder).metrics.at("accuracy"), SeriesOf(folder, "accuracy").back().value);
  const auto config = ModelConfigFromJson(ReadFile(folder.exported() / "config.json").value());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(std::get<VisionTransformerOptions>(config->model), finetune.model);
  EXPECT_FALSE(config->labels.empty());
}

TEST_F(TrainJobTest, ADivergingJobFailsWithWhatToDo) {
  JobOptions options = job_.Pretrain();
  options.schedule = {4, 0.0, 1e30, 1e30, ScheduleUnit::kStep};
  options.optimizer.learning_rate = 1e30;
  const JobFolder folder = job_.Folder("diverges");
  EXPECT_THAT(job_.Run(options, folder), StatusIs(absl::StatusCode::kAborted));
  const auto states = EventsOf<StateEvent>(folder);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[1].state, JobState::kFailed);
  EXPECT_THAT(states[1].error.message(), HasSubstr("learning_rate"));
  EXPECT_FALSE(std::filesystem::exists(folder.exported()));
}

TEST_F(TrainJobTest, TheSameSeedGivesTheSameModelAndAnotherSeedAnother) {
  JobOptions options = job_.Pretrain();
  const auto hash_of = [&](const std::string& name) {
    EXPECT_THAT(job_.Run(options, job_.Folder(name)), IsOkAndHolds(JobState::kSucceeded));
    return CardOf(job_.Folder(name)).sha256;
  };
  const std::string once = hash_of("once"), twice = hash_of("twice");
  EXPECT_EQ(once, twice);
  options.seed += 1;
  EXPECT_NE(hash_of("other"), once);
}

TEST_F(TrainJobTest, AStopBeforeTrainingBeginsIsAStopEvenIfNothingCouldBeLoaded) {
  JobOptions options = job_.Pretrain();
  options.data.path = job_.root() / "nowhere";
  const JobFolder folder = job_.Folder("job");
  std::filesystem::create_directories(folder.root());
  const std::atomic<bool> stop = true;
  const auto db = JobDbWriter::Open(folder.database()).value();
  JobRecorder recorder(*db, [](const LogEvent&) {});
  EXPECT_THAT(RunTrainJob(options, folder, recorder, {}, stop), IsOkAndHolds(JobState::kStopped));
}

TEST_F(TrainJobTest, AModelThatCannotBeExportedFailsTheJobWithWhatToDoAndAResumeExportsIt) {
  const JobFolder folder = job_.Folder("job");
  std::filesystem::create_directories(folder.root());
  ASSERT_THAT(WriteFileDurably(folder.exported(), "in the way"), IsOk());
  EXPECT_THAT(job_.Run(job_.Pretrain(), folder), Not(IsOk()));
  const auto failed = EventsOf<StateEvent>(folder).back();
  EXPECT_EQ(failed.state, JobState::kFailed);
  EXPECT_THAT(failed.error.message(), AllOf(HasSubstr("could not be written to"), HasSubstr("export"),
                                            HasSubstr("goes on from its checkpoint of step 10")));
  std::filesystem::remove(folder.exported());
  EXPECT_THAT(job_.Run(job_.Pretrain(), folder), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_EQ(StepsOf(folder, "loss").size(), 10u) << "nothing was trained again";
}

TEST_F(TrainJobTest, AResumeWithoutAnyCheckpointStartsAnewAndTakesTheRecordedProgressBack) {
  const JobFolder folder = job_.Folder("job");
  ASSERT_THAT(job_.Run(job_.Pretrain(), folder, 7), IsOkAndHolds(JobState::kStopped));
  std::filesystem::remove_all(folder.checkpoints());
  {
    const auto db = JobDbWriter::Open(folder.database()).value();
    JobRecorder recorder(*db, [](const LogEvent&) {});
    PretrainTask task(job_.Pretrain(), {}, kCpu);
    ASSERT_THAT(TrainState::Open(job_.Pretrain(), folder, task, recorder, 5, LoneRank()), IsOk());
  }
  const auto summary = JobDbReader::Open(folder.database()).value()->Summary();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->metrics.step, 0);
  EXPECT_EQ(summary->checkpoint_step, 0);
  EXPECT_THAT(StepsOf(folder, "loss"), IsEmpty());
  ASSERT_THAT(job_.Run(job_.Pretrain(), folder), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_THAT(StepsOf(folder, "loss"), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST_F(TrainJobTest, ADeviceThatIsNotThereFailsTheJob) {
  JobOptions options = job_.Pretrain();
  options.device = "cuda:99";
  EXPECT_THAT(job_.Run(options, job_.Folder("job")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cuda:99")));
}

TEST_F(TrainJobTest, WhatLibTorchThrowsFailsTheJob) {
  JobOptions options = job_.Pretrain();
  options.data.mean = {0.5, 0.5};
  const JobFolder folder = job_.Folder("job");
  EXPECT_THAT(job_.Run(options, folder), Not(IsOk()));
  EXPECT_EQ(EventsOf<StateEvent>(folder).back().state, JobState::kFailed);
}

TEST_F(TrainJobTest, TwoBatchesAStepAreOneOfTwiceTheSize) {
  JobOptions whole = job_.Pretrain(), halves = job_.Pretrain();
  for (JobOptions* options : {&whole, &halves}) {
    options->data.train_images = 64;
    options->pictures = 0;
  }
  halves.data.batch_size = whole.data.batch_size / 2;
  halves.optimizer.accumulate_steps = 2;
  ASSERT_THAT(job_.Run(whole, job_.Folder("whole")), IsOk());
  ASSERT_THAT(job_.Run(halves, job_.Folder("halves")), IsOk());
  EXPECT_NEAR(CardOf(job_.Folder("whole")).metrics.at("validation_loss"),
              CardOf(job_.Folder("halves")).metrics.at("validation_loss"), 1e-5);
  EXPECT_NEAR(CardOf(job_.Folder("whole")).metrics.at("learning_rate"),
              CardOf(job_.Folder("halves")).metrics.at("learning_rate"), 1e-12);
}

TEST_F(TrainJobTest, BatchesThatAddUpLongerThanAnEpochStillStep) {
  JobOptions options = job_.Pretrain();
  options.optimizer.accumulate_steps = 7;  // of 5 batches an epoch, 10 in all
  options.schedule.warmup_epochs = 0;
  ASSERT_THAT(job_.Run(options, job_.Folder("job")), IsOk());
  EXPECT_THAT(StepsOf(job_.Folder("job"), "grad_norm"), ElementsAre(7));
  const auto losses = SeriesOf(job_.Folder("job"), "validation_loss");
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_NE(losses[0].value, losses[1].value);
}

TEST_F(TrainJobTest, PublishesTheAverageAndKeepsTheWeights) {
  JobOptions options = job_.Pretrain();
  options.optimizer.ema_decay = 0.9;
  const JobFolder folder = job_.Folder("averaged");
  ASSERT_THAT(job_.Run(options, folder), IsOk());
  const auto checkpoint = ReadLatestCheckpoint(folder.checkpoints()).value().checkpoint;
  const auto exported = ReadSafetensors(folder.exported() / "model.safetensors").value().tensors;
  const auto find = [](const NamedTensors& tensors, const std::string& name) {
    return std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; })
        ->second;
  };
  const std::string name = "blocks.0.attn.qkv.weight";
  EXPECT_TRUE(torch::equal(find(exported, name), find(checkpoint.optimizer, name + ".ema")));
  EXPECT_FALSE(torch::allclose(find(exported, name), find(checkpoint.model, name)));
  options.optimizer.ema_decay = 0.0;
  const JobFolder plain = job_.Folder("plain");
  ASSERT_THAT(job_.Run(options, plain), IsOk());
  EXPECT_TRUE(torch::equal(find(ReadLatestCheckpoint(plain.checkpoints())->checkpoint.model, name),
                           find(checkpoint.model, name)))
      << "averaging must not touch training";
  EXPECT_GT(CardOf(folder).metrics.at("validation_loss"), CardOf(plain).metrics.at("validation_loss"))
      << "what is validated is the average, which is behind";
}

/// A job stopped after so many of its ten steps (five an epoch) and run again.
struct StopCase {
  const char* name;
  bool finetune;
  Precision precision;
  int64_t stop_at_step;
  bool averaged =
      false;  ///< two batches a step, across the end of an epoch, and a moving average of the weights
};

class ResumeTest : public testing::TestWithParam<StopCase> {
 protected:
  JobOptions Options() const {
    JobOptions options = GetParam().finetune ? job_.Finetune() : job_.Pretrain();
    options.augmentation.horizontal_flip = true;
    options.augmentation.random_resized_crop.emplace();
    options.augmentation.rand_augment.emplace();
    if (GetParam().finetune) {
      std::get<FinetuneOptions>(options.kind).model.drop_path = 0.3;
      options.augmentation.random_erasing.emplace();
      options.augmentation.mixup_alpha = 0.8;
      options.augmentation.cutmix_alpha = 1.0;
      options.augmentation.label_smoothing = 0.1;
    }
    options.precision = GetParam().precision;
    if (GetParam().averaged) {
      options.optimizer.accumulate_steps = 2;
      options.optimizer.ema_decay = 0.5;
    }
    return options;
  }

  static std::vector<double> ValuesOf(const JobFolder& folder, const std::string& metric) {
    std::vector<double> values;
    for (const MetricPoint& point : SeriesOf(folder, metric)) values.push_back(point.value);
    return values;
  }

  TinyJob job_;
};

TEST_P(ResumeTest, EqualsTheUninterruptedRunBitForBit) {
  const JobFolder whole = job_.Folder("whole"), stopped = job_.Folder("stopped");
  ASSERT_THAT(job_.Run(Options(), whole), IsOkAndHolds(JobState::kSucceeded));
  ASSERT_THAT(job_.Run(Options(), stopped, GetParam().stop_at_step), IsOkAndHolds(JobState::kStopped));
  ASSERT_EQ(StepsOf(stopped, "loss").back(), GetParam().stop_at_step);
  ASSERT_FALSE(std::filesystem::exists(stopped.exported()));
  ASSERT_THAT(job_.Run(Options(), stopped), IsOkAndHolds(JobState::kSucceeded));
  EXPECT_EQ(CardOf(stopped).sha256, CardOf(whole).sha256);
  for (const char* metric :
       {"loss", "grad_norm", "learning_rate", "images_total", "validation_loss", "accuracy"}) {
    EXPECT_EQ(ValuesOf(stopped, metric), ValuesOf(whole, metric)) << metric;
    EXPECT_EQ(StepsOf(stopped, metric), StepsOf(whole, metric)) << metric;
  }
  EXPECT_THAT(EventsOf<StateEvent>(stopped), ElementsAre(Field(&StateEvent::state, JobState::kRunning),
                                                         Field(&StateEvent::state, JobState::kStopped),
                                                         Field(&StateEvent::state, JobState::kRunning),
                                                         Field(&StateEvent::state, JobState::kSucceeded)));
}

INSTANTIATE_TEST_SUITE_P(Everywhere, ResumeTest,
                         testing::Values(StopCase{"PretrainFp32FirstStep", false, Precision::kFp32, 1},
                                         StopCase{"PretrainFp32MidEpoch", false, Precision::kFp32, 7},
                                         StopCase{"PretrainFp32EpochEnd", false, Precision::kFp32, 5},
                                         StopCase{"PretrainBf16MidEpoch", false, Precision::kBf16, 3},
                                         StopCase{"PretrainBf16EpochEnd", false, Precision::kBf16, 5},
                                         StopCase{"FinetuneFp32MidEpoch", true, Precision::kFp32, 8},
                                         StopCase{"FinetuneBf16LastStep", true, Precision::kBf16, 10},
                                         StopCase{"AveragedMidStep", true, Precision::kFp32, 7, true},
                                         StopCase{"AveragedMidStepAtEpochEnd", false, Precision::kFp32, 5,
                                                  true},
                                         StopCase{"AveragedBetweenSteps", true, Precision::kBf16, 8, true}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace mae
