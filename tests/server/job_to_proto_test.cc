#include "server/job_to_proto.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

JobRecord Record(JobState state) {
  JobRecord record;
  record.id = "pretrain-1";
  record.spec = R"({"seed": "7"})";
  record.state = state;
  record.run_sequence = 10;
  record.created = absl::FromUnixMicros(1'500'000);
  return record;
}

JobEvent Event(int64_t sequence, JobState state) {
  return {sequence, absl::FromUnixSeconds(9), StateEvent{state, absl::OkStatus()}};
}

TEST(JobToProto, EveryStateHasItsNumberAndReadsBack) {
  for (const JobState state :
       {JobState::kQueued, JobState::kStarting, JobState::kRunning, JobState::kStopping, JobState::kStopped,
        JobState::kSucceeded, JobState::kFailed}) {
    EXPECT_EQ(v1::Job::State_Name(ToProto(state)), JobStateName(state));
    EXPECT_THAT(FromProto(ToProto(state)), IsOkAndHolds(state));
  }
  EXPECT_THAT(FromProto(v1::Job::STATE_UNSPECIFIED), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FromProto(static_cast<v1::Job::State>(99)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("99")));
}

TEST(JobToProto, AJobShowsRowAndSummary) {
  JobRecord record = Record(JobState::kFailed);
  record.error = absl::DataLossError("bad");
  JobSummary summary;
  summary.last_sequence = 12;
  summary.metrics = {30, 60, 0.5, 1, {{"loss", 0.25}}};
  summary.checkpoint_step = 20;
  const v1::Job job = ToProto(record, summary);
  EXPECT_EQ(job.name(), "jobs/pretrain-1");
  EXPECT_EQ(job.spec().seed(), 7u);
  EXPECT_EQ(job.error().message(), "bad");
  EXPECT_EQ(job.create_time().seconds(), 1);
  EXPECT_EQ(job.create_time().nanos(), 500'000'000);
  EXPECT_FALSE(job.has_start_time() || job.has_end_time());
  EXPECT_EQ(job.progress().total_steps(), 60);
  EXPECT_EQ(job.progress().metrics().at("loss"), 0.25);
  EXPECT_EQ(job.progress().checkpoint_step(), 20);
  EXPECT_EQ(job.last_sequence(), 12);
}

TEST(JobToProto, OnlyAJobThatHasNotEndedHasTimeLeft) {
  JobSummary summary;
  summary.metrics = {30, 60, 0.5, 1, {{"eta_seconds", 0.5}}};
  EXPECT_EQ(ToProto(Record(JobState::kRunning), summary).progress().metrics().at("eta_seconds"), 0.5);
  EXPECT_FALSE(ToProto(Record(JobState::kSucceeded), summary).progress().metrics().contains("eta_seconds"));
}

TEST(JobToProto, ASpecThatCannotBeReadIsDataLossAndStillShowsTheJob) {
  JobRecord record = Record(JobState::kStopped);
  record.spec = "{\"seed\"";
  EXPECT_THAT(SpecOf(record), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("pretrain-1")));
  EXPECT_EQ(ToProto(record, {}).name(), "jobs/pretrain-1");
}

TEST(EventView, ASuccessIsHeldUntilItIsPublished) {
  const JobEvent success = Event(11, JobState::kSucceeded);
  EXPECT_TRUE(EventView{Record(JobState::kRunning)}.Holds(success));
  JobRecord published = Record(JobState::kSucceeded);
  published.published_version = "models/m/versions/3";
  const EventView view{published};
  EXPECT_FALSE(view.Holds(success));
  EXPECT_EQ(view.Show(success).state().state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(view.Show(success).state().published_version(), "models/m/versions/3");
}

TEST(EventView, ASuccessOfAnEarlierRunIsALogLine) {
  const JobEvent success = Event(9, JobState::kSucceeded);
  for (const JobState state : {JobState::kQueued, JobState::kRunning, JobState::kSucceeded}) {
    const JobRecord record = Record(state);
    EXPECT_FALSE(EventView{record}.Holds(success));
    EXPECT_THAT(EventView{record}.Show(success).log().text(), HasSubstr("not published"));
  }
}

TEST(EventView, ASuccessThatCouldNotBePublishedIsALogLine) {
  const JobRecord record = Record(JobState::kFailed);
  const JobEvent success = Event(11, JobState::kSucceeded);
  EXPECT_FALSE(EventView{record}.Holds(success));
  EXPECT_TRUE(EventView{record}.Show(success).has_log());
}

TEST(EventView, OtherEventsAreShownAsTheyAre) {
  const JobRecord record = Record(JobState::kRunning);
  const EventView view{record};
  const JobEvent stopped = Event(11, JobState::kStopped);
  EXPECT_FALSE(view.Holds(stopped));
  EXPECT_EQ(view.Show(stopped).state().state(), v1::Job::STOPPED);
  const v1::JobEvent failed =
      view.Show({12, absl::FromUnixSeconds(3), StateEvent{JobState::kFailed, absl::InternalError("broke")}});
  EXPECT_EQ(failed.sequence(), 12);
  EXPECT_EQ(failed.time().seconds(), 3);
  EXPECT_EQ(failed.state().error().message(), "broke");
}

}  // namespace
}  // namespace mae
