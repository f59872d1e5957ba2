#include "train/measure_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/codec.h"
#include "tests/train/probe_job.h"
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
  JobOptions options = jobs_.job().Finetune();
  options.schedule.epochs = 1;
  options.data.train_images = options.data.validation_images = 1;
  std::get<FinetuneOptions>(options.kind).model.num_classes = 1;
  const JobFolder folder = jobs_.job().Folder("one-class");
  if (!jobs_.job().Run(options, folder).ok()) GTEST_SKIP() << "the first images are not all of class 0";
  EXPECT_THAT(jobs_.job().Run(jobs_.Of(EvaluateOptions(), folder.exported()), jobs_.job().Folder("evaluate")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("its head has 1 classes")));
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
    EXPECT_THAT(RunTrainJob(options, folder, recorder, stop), IsOkAndHolds(JobState::kStopped));
  }
  EXPECT_THAT(Measure(options, "knn"), Contains(Key("accuracy")));
}

}  // namespace
}  // namespace mae
