#include "client/live_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "client/readable.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1000000);

v1::JobEvent MetricsAt(int64_t step, double loss) {
  v1::JobEvent event;
  auto* metrics = event.mutable_metrics();
  metrics->set_step(step);
  metrics->set_total_steps(100);
  metrics->set_epoch(static_cast<double>(step) / 50);
  metrics->set_epochs(2);
  (*metrics->mutable_values())["loss"] = loss;
  (*metrics->mutable_values())["eta_seconds"] = 90;
  (*metrics->mutable_values())["images_per_second"] = 1712.3;
  return event;
}

JobProgress HalfDone() {
  JobProgress progress;
  v1::JobEvent running;
  running.mutable_state()->set_state(v1::Job::RUNNING);
  progress.Add(running, kNow);
  progress.Add(MetricsAt(25, 0.9), kNow);
  progress.Add(MetricsAt(50, 0.4), kNow);
  return progress;
}

TEST(ProgressBar, FillsByHalfCharacters) {
  EXPECT_EQ(ProgressBar(0, 4), "────");
  EXPECT_EQ(ProgressBar(0.625, 4), "━━╸─");
  EXPECT_EQ(ProgressBar(1, 4), "━━━━");
  EXPECT_EQ(ProgressBar(7, 2), "━━");
}

TEST(LiveLines, ShowStateProgressMetricsAndLoss) {
  const auto lines = LiveLines("jobs/x", HalfDone(), kNow + absl::Seconds(20), 79, ColorDepth::kNone);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "jobs/x  RUNNING  epoch 1.00/2");
  EXPECT_THAT(lines[1], HasSubstr(" 50 %  step 50/100  ETA 1 min 10 s"));
  EXPECT_EQ(lines[2], "loss 0.4  1,712 images/s");
  EXPECT_EQ(lines[3], "loss █▁");
}

TEST(LiveLines, NeverWrapAndColourOnlyWhereAllowed) {
  for (const int columns : {20, 40, 200}) {
    for (const std::string& line :
         LiveLines("jobs/with-a-long-name", HalfDone(), kNow, columns, ColorDepth::k256)) {
      EXPECT_LE(DisplayWidth(line), columns) << line;
    }
  }
  EXPECT_THAT(absl::StrJoin(LiveLines("jobs/x", HalfDone(), kNow, 79, ColorDepth::k256), ""),
              HasSubstr("\x1b["));
  EXPECT_THAT(absl::StrJoin(LiveLines("jobs/x", HalfDone(), kNow, 79, ColorDepth::kNone), ""),
              Not(HasSubstr("\x1b[")));
}

TEST(JobProgress, RemembersTheNewestOfEverything) {
  JobProgress progress = HalfDone();
  v1::JobEvent validation = MetricsAt(50, 0.4);
  validation.mutable_metrics()->clear_values();
  (*validation.mutable_metrics()->mutable_values())["validation_loss"] = 0.5;
  progress.Add(validation, kNow);
  EXPECT_EQ(progress.newest().at("loss"), 0.4);
  EXPECT_EQ(progress.newest().at("validation_loss"), 0.5);
  EXPECT_EQ(progress.losses().size(), 2u);
  EXPECT_EQ(progress.fraction(), 0.5);
  EXPECT_FALSE(progress.ended());
}

TEST(DataWait, IsTheShareOfTheTimeSinceTheMetricsBefore) {
  const auto metrics = [](double images, double waited) {
    v1::JobEvent event = MetricsAt(1, 1.0);
    auto& values = *event.mutable_metrics()->mutable_values();
    values["images_total"] = images;
    values["data_wait_seconds_total"] = waited;
    values["images_per_second"] = 100;
    return event;
  };
  JobProgress progress;
  EXPECT_EQ(progress.data_wait().Text(), "");
  progress.Add(metrics(1000, 5), kNow);  // ten seconds
  EXPECT_EQ(progress.data_wait().Text(), "waits for data 50 %");
  v1::JobEvent validation = metrics(1000, 5);
  validation.mutable_metrics()->mutable_values()->erase("images_per_second");
  progress.Add(validation, kNow);
  EXPECT_EQ(progress.data_wait().Text(), "waits for data 50 %") << "nothing was trained on since";
  progress.Add(metrics(3000, 8), kNow);
  EXPECT_THAT(LiveLines("jobs/x", progress, kNow, 79, ColorDepth::kNone)[2],
              HasSubstr("100 images/s  waits for data 15 %"));
  progress.Add(metrics(4000, 8.05), kNow);
  EXPECT_EQ(progress.data_wait().Text(), "") << "too little to tell of";
  progress.Add(metrics(2000, 6), kNow);  // went back to a checkpoint
  progress.Add(metrics(2500, 7), kNow);
  EXPECT_EQ(progress.data_wait().Text(), "waits for data 20 %");
}

TEST(MetricsText, ShowsKnownOnesFirstAndNoCountersOfNothing) {
  EXPECT_EQ(MetricsText({{"accuracy", 0.5}, {"extra", 2}, {"loss", 1}, {"skipped_steps_total", 0}}),
            "loss 1  accuracy 0.5  extra 2");
  EXPECT_EQ(MetricsText({{"skipped_steps_total", 3}}), "skipped_steps_total 3");
}

TEST(JobProgress, KeepsItsLossesBounded) {
  JobProgress progress;
  for (int i = 0; i < 10000; ++i) progress.Add(MetricsAt(i, 1.0), kNow);
  EXPECT_LE(progress.losses().size(), 4096u);
}

}  // namespace
}  // namespace mae
