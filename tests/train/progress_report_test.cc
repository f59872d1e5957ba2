#include "train/progress_report.h"

#include <gmock/gmock.h>

#include "tests/train/memory_job_db.h"

namespace mae {
namespace {

using testing::Contains;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

class ProgressReportTest : public testing::Test {
 protected:
  ProgressReportTest() {
    options_.schedule.epochs = 3;
    options_.log_every_steps = 4;
  }

  // Steps `from` to `to` of the job, 10 an epoch, each of 8 images with its own number as loss.
  void RunSteps(ProgressReport& report, int64_t from, int64_t to, torch::Tensor correct = {}) {
    for (int64_t step = from; step <= to; ++step) {
      const TrainStep::Result result{{torch::tensor(static_cast<float>(step)), correct},
                                     torch::tensor(0.5f),
                                     /*due=*/true,
                                     /*taken=*/true};
      report.StepDone(At(step), result, 8, 1e-3);
    }
  }

  static TrainingProgress At(int64_t step) {
    TrainingProgress progress;
    progress.step = step;
    progress.epoch = (step - 1) / 10;
    progress.batch = step - 10 * progress.epoch;
    progress.counters = {{"images", 8.0 * static_cast<double>(step)}, {"skipped_steps", 2.0}};
    return progress;
  }

  std::vector<int64_t> LoggedSteps() const {
    std::vector<int64_t> steps;
    for (const auto& event : db_.Of<MetricsEvent>()) steps.push_back(event.step);
    return steps;
  }

  JobOptions options_;
  MemoryJobDb db_;
  JobRecorder recorder_{db_, [](const LogEvent&) {}};
};

TEST_F(ProgressReportTest, RecordsTheFirstStepEveryFewAndTheLastOfAnEpoch) {
  ProgressReport report(options_, 10, recorder_);
  RunSteps(report, 1, 15);
  EXPECT_THAT(LoggedSteps(), ElementsAre(1, 4, 8, 10, 14));
}

TEST_F(ProgressReportTest, AResumedRunRecordsAtTheSameSteps) {
  ProgressReport report(options_, 10, recorder_);
  RunSteps(report, 6, 15);
  EXPECT_THAT(LoggedSteps(), ElementsAre(8, 10, 14));
}

TEST_F(ProgressReportTest, LossIsTheMeanOfTheInterval) {
  ProgressReport report(options_, 10, recorder_);
  RunSteps(report, 1, 4);
  const auto events = db_.Of<MetricsEvent>();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_THAT(events[0].values, Contains(Pair("loss", DoubleEq(1.0))));
  EXPECT_THAT(events[1].values, Contains(Pair("loss", DoubleEq(3.0))));
}

TEST_F(ProgressReportTest, EventsSayWhereTheJobStands) {
  ProgressReport report(options_, 10, recorder_);
  RunSteps(report, 11, 14);
  const auto event = db_.Of<MetricsEvent>().back();
  EXPECT_EQ(event.step, 14);
  EXPECT_EQ(event.total_steps, 30);
  EXPECT_DOUBLE_EQ(event.epoch, 1.4);
  EXPECT_EQ(event.epochs, 3);
  for (const char* name :
       {"loss", "learning_rate", "grad_norm", "images_per_second", "images_total", "data_wait_seconds_total",
        "eta_seconds", "skipped_steps_total", "rollbacks_total"}) {
    EXPECT_THAT(event.values, Contains(Key(name)));
  }
  EXPECT_THAT(event.values, Contains(Pair("images_total", 112.0)));
  EXPECT_THAT(event.values, Contains(Pair("skipped_steps_total", 2.0)));
  EXPECT_THAT(event.values, Not(Contains(Key("batch_accuracy"))));
}

TEST_F(ProgressReportTest, SkippedStepsAreNoPartOfTheMeans) {
  ProgressReport report(options_, 10, recorder_);
  RunSteps(report, 2, 3);
  const auto nan = torch::tensor(std::nanf(""));
  report.StepDone(At(4), {{nan, {}}, nan, /*due=*/true, /*taken=*/false}, 8, 1e-3);
  EXPECT_THAT(db_.Of<MetricsEvent>().back().values, Contains(Pair("loss", DoubleEq(2.5))));
}

TEST_F(ProgressReportTest, ARollbackIsCountedAtOnceAndTheMeansBeginAnew) {
  ProgressReport report(options_, 10, recorder_);
  RunSteps(report, 2, 3);
  TrainingProgress back = At(2);
  back.counters["rollbacks"] = 1;
  report.RolledBack(back);
  EXPECT_EQ(db_.Of<MetricsEvent>().back().step, 2);
  EXPECT_THAT(db_.Of<MetricsEvent>().back().values, Contains(Pair("rollbacks_total", 1.0)));
  RunSteps(report, 4, 4);
  EXPECT_THAT(db_.Of<MetricsEvent>().back().values, Contains(Pair("loss", DoubleEq(4.0))));
}

TEST_F(ProgressReportTest, SpeaksInPeoplesWords) {
  ProgressReport report(options_, 10, recorder_);
  report.EpochBegins(At(21), 1.9e-5);
  RunSteps(report, 21, 24, torch::tensor(6.0f));
  report.Validated(At(30), {0.1234, 0.875});
  EXPECT_THAT(
      db_.Of<LogEvent>(),
      ElementsAre(Field(&LogEvent::text, "epoch 3/3, learning rate 1.9e-05"),
                  Field(&LogEvent::text, HasSubstr("step 4 of 10, loss 22.5000, batch accuracy 75.00 %")),
                  Field(&LogEvent::text, "epoch 3/3 done, validation loss 0.1234, accuracy 87.50 %")));
}

TEST_F(ProgressReportTest, RecordsAccuracyOfClassifiersOnly) {
  ProgressReport report(options_, 10, recorder_);
  report.Validated(At(10), {0.5, std::nullopt});
  report.Validated(At(20), {0.5, 0.75});
  const auto events = db_.Of<MetricsEvent>();
  EXPECT_THAT(events[0].values, Not(Contains(Key("accuracy"))));
  EXPECT_THAT(events[0].values, Contains(Pair("validation_loss", 0.5)));
  EXPECT_THAT(events[1].values, Contains(Pair("accuracy", 0.75)));
}

TEST_F(ProgressReportTest, NothingRemainsAtTheEnd) {
  ProgressReport report(options_, 10, recorder_);
  report.EpochEnded(0.0);
  RunSteps(report, 27, 30);
  EXPECT_THAT(db_.Of<MetricsEvent>().back().values, Contains(Pair("eta_seconds", 0.0)));
}

}  // namespace
}  // namespace mae
