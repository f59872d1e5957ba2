#include "train/measure_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "checkpoint/model_folder.h"
#include "image/codec.h"
#include "models/vision_transformer.h"
#include "tests/train/cpu_device.h"
#include "tests/train/memory_job_db.h"
#include "tests/train/probe_job.h"
#include "train/source_model.h"
#include "train/train_job.h"

namespace mae {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

class MeasureJobTest : public testing::Test {
 protected:
  std::map<std::string, double> Measure(const JobOptions& options, const std::string& name) {
    const JobFolder folder = jobs_.job().Folder(name);
    EXPECT_THAT(jobs_.job().Run(options, folder), IsOkAndHolds(JobState::kSucceeded));
    EXPECT_FALSE(std::filesystem::exists(folder.exported()));
    const auto events = EventsOf<MetricsEvent>(folder);
    return events.empty() ? std::map<std::string, double>() : events.back().values;
  }
  JobFolder Finetuned() {
    const JobFolder folder = jobs_.job().Folder("finetuned");
    JobOptions options = jobs_.job().Finetune();
    options.schedule.epochs = 6;
    EXPECT_THAT(jobs_.job().Run(options, folder), IsOk());
    return folder;
  }

  // The folder of a classifier of so many classes that takes every image for its class 0; `weight` fills the
  // bias of its last norm.
  std::filesystem::path Classifier(const std::vector<std::string>& labels, double weight = 0.0) {
    FinetuneOptions finetune = std::get<FinetuneOptions>(jobs_.job().Finetune().kind);
    finetune.model.num_classes = static_cast<int64_t>(labels.size());
    VisionTransformer model(finetune.model);
    const torch::NoGradGuard no_grad;
    for (auto& parameter : model->named_parameters()) {
      if (parameter.key() == "head.weight") parameter.value().zero_();
      if (parameter.key() == "head.bias") parameter.value()[0] = 9.0;
      if (parameter.key() == "norm.bias" || parameter.key() == "fc_norm.bias")
        parameter.value().fill_(weight);
    }
    const auto data = jobs_.job().Pretrain().data;
    const std::filesystem::path folder = jobs_.job().root() / "classifier";
    std::filesystem::remove_all(folder);
    EXPECT_THAT(
        WriteModelFolder(folder, *model, {finetune.model, data.mean, data.std_dev, labels}, ModelCard()),
        IsOk());
    return folder;
  }
  absl::StatusOr<JobState> RunEvaluate(const std::filesystem::path& weights) {
    return jobs_.job().Run(jobs_.Of(EvaluateOptions(), weights), jobs_.job().Folder("evaluate"));
  }

  ProbeJob jobs_;
};

TEST_F(MeasureJobTest, AnAutoencodersLossIsThatOfItsLastValidation) {
  const auto metrics = Measure(jobs_.Of(EvaluateOptions(), jobs_.pretrained().exported()), "evaluate");
  EXPECT_NEAR(metrics.at("validation_loss"), SeriesOf(jobs_.pretrained(), "validation_loss").back().value,
              1e-6);
  EXPECT_THAT(EventsOf<PictureEvent>(jobs_.job().Folder("evaluate")), IsEmpty());
}

TEST_F(MeasureJobTest, TheTrainingSplitsLossHasANameOfItsOwn) {
  EvaluateOptions evaluate;
  evaluate.on_train_split = true;
  const auto metrics = Measure(jobs_.Of(evaluate, jobs_.pretrained().exported()), "evaluate");
  EXPECT_THAT(metrics, ElementsAre(Key("loss")));
}

TEST_F(MeasureJobTest, AClassifiersAccuracyIsThatOfItsLastValidation) {
  const JobFolder finetuned = Finetuned(), folder = jobs_.job().Folder("evaluate");
  const auto metrics = Measure(jobs_.Of(EvaluateOptions(), finetuned.exported()), "evaluate");
  EXPECT_EQ(metrics.at("accuracy"), SeriesOf(finetuned, "accuracy").back().value);
  EXPECT_NEAR(metrics.at("validation_loss"), SeriesOf(finetuned, "validation_loss").back().value, 1e-5);
  EXPECT_THAT(metrics, Contains(Key(HasSubstr("class_accuracy/"))));
  EXPECT_THAT(metrics, Not(Contains(Key("top5_accuracy")))) << "of four classes";
  const auto pictures = EventsOf<PictureEvent>(folder);
  ASSERT_EQ(pictures.size(), 1u);
  EXPECT_THAT(DecodePicture(ReadFile(folder.root() / pictures[0].path).value(), 1 << 24), IsOk());
}

TEST_F(MeasureJobTest, APublishedLinearProbeCanBeEvaluated) {
  const JobFolder probe = jobs_.job().Folder("probe");
  ASSERT_THAT(jobs_.job().Run(jobs_.LinearProbe(), probe), IsOk());
  const auto metrics = Measure(jobs_.Of(EvaluateOptions(), probe.exported()), "evaluate");
  EXPECT_EQ(metrics.at("accuracy"), SeriesOf(probe, "accuracy").back().value);
}

TEST_F(MeasureJobTest, AHeadWithTooFewClassesIsRefused) {
  EXPECT_THAT(RunEvaluate(Classifier({"only"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("its head has 1 classes")));
}

TEST_F(MeasureJobTest, ClassesAreMatchedByTheirNames) {
  const auto metrics = [&](const std::vector<std::string>& of_model) {
    const JobOptions options = WithSourceModel(jobs_.Of(EvaluateOptions(), Classifier(of_model))).value();
    TrainData data = LoadTrainData(options).value();
    data.labels = {"cat", "cow", "dog", "hen"};
    std::fill(data.validation.labels.begin(), data.validation.labels.end(), 0);
    const JobFolder folder = jobs_.job().Folder("evaluate");
    std::filesystem::create_directories(folder.samples());
    MemoryJobDb db;
    JobRecorder recorder(db, [](const LogEvent&) {});
    EXPECT_THAT(RunMeasurement(options, folder, data, recorder, kCpu, false),
                IsOkAndHolds(JobState::kSucceeded));
    return db.Of<MetricsEvent>().back().values;
  };
  const auto alike = metrics({"cat", "cow", "dog", "hen"}), reversed = metrics({"hen", "dog", "cow", "cat"});
  EXPECT_EQ(alike.at("class_accuracy/cat"), 1.0);
  EXPECT_EQ(reversed.at("class_accuracy/cat"), 0.0);
  EXPECT_EQ(reversed.at("accuracy"), 0.0) << "hens are what the model takes all for";
}

TEST_F(MeasureJobTest, AModelThatMakesNothingFiniteOfTheImagesIsRefused) {
  const auto damaged = Classifier({"a", "b", "c", "d"}, std::nan(""));
  EXPECT_THAT(RunEvaluate(damaged),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is not finite")));
  EXPECT_THAT(jobs_.job().Run(jobs_.Of(KnnProbeOptions(), damaged), jobs_.job().Folder("knn")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("knn_probe.from_model")));
}

TEST_F(MeasureJobTest, NeighborsTellTheClassesApart) {
  KnnProbeOptions probe;
  probe.neighbors = 5;
  const auto metrics = Measure(jobs_.Of(probe, jobs_.pretrained().exported()), "knn");
  EXPECT_GT(metrics.at("accuracy"), 0.4) << "chance is 0.25";
  EXPECT_THAT(EventsOf<CheckpointEvent>(jobs_.job().Folder("knn")), IsEmpty());
}

TEST_F(MeasureJobTest, AStoppedMeasurementBeginsAnew) {
  KnnProbeOptions probe;
  const JobOptions options = jobs_.Of(probe, jobs_.pretrained().exported());
  const JobFolder folder = jobs_.job().Folder("knn");
  std::filesystem::create_directories(folder.root());
  {
    const auto db = JobDbWriter::Open(folder.database()).value();
    JobRecorder recorder(*db, [](const LogEvent&) {});
    const std::atomic<bool> stop = true;
    EXPECT_THAT(RunTrainJob(options, folder, recorder, {}, stop), IsOkAndHolds(JobState::kStopped));
  }
  EXPECT_THAT(Measure(options, "knn"), Contains(Key("accuracy")));
}

}  // namespace
}  // namespace mae
