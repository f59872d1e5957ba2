#include "train/job_recorder.h"

#include <gmock/gmock.h>

#include "tests/fakes/status_matchers.h"
#include "tests/train/memory_job_db.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JobRecorderTest : public testing::Test {
 protected:
  MemoryJobDb db_;
  std::vector<LogEvent> words_;
  JobRecorder recorder_{db_, [this](const LogEvent& event) { words_.push_back(event); }};
};

TEST_F(JobRecorderTest, SaysInWordsWhatItRecords) {
  recorder_.Info("epoch 1/2");
  recorder_.Warning("odd");
  recorder_.Error("bad");
  EXPECT_THAT(words_, ElementsAre(LogEvent{"info", "epoch 1/2"}, LogEvent{"warning", "odd"},
                                  LogEvent{"error", "bad"}));
  EXPECT_EQ(db_.Of<LogEvent>(), words_);
}

TEST_F(JobRecorderTest, AFailedStateCarriesItsError) {
  const absl::Status error = absl::AbortedError("lower the rate");
  ASSERT_THAT(recorder_.State(JobState::kFailed, error), IsOk());
  EXPECT_THAT(db_.Of<StateEvent>(), ElementsAre(StateEvent{JobState::kFailed, error}));
  ASSERT_EQ(words_.size(), 1u);
  EXPECT_EQ(words_[0].severity, "error");
  EXPECT_THAT(words_[0].text, HasSubstr("lower the rate"));
}

TEST_F(JobRecorderTest, AFullDiskIsSaidAndNothingIsLostByIt) {
  db_.refusal = absl::ResourceExhaustedError("disk full");
  recorder_.Metrics({});
  ASSERT_EQ(words_.size(), 1u);
  EXPECT_EQ(words_[0].severity, "error");
  EXPECT_THAT(words_[0].text, HasSubstr("disk full"));
  db_.refusal = absl::OkStatus();
  recorder_.Metrics({});
  EXPECT_EQ(db_.Of<MetricsEvent>().size(), 2u);
}

TEST_F(JobRecorderTest, WhatIsRefusedForWhatItIsHoldsUpNothing) {
  for (const auto& refusal :
       {absl::InvalidArgumentError("no such event"), absl::AlreadyExistsError("null")}) {
    db_.refusal = refusal;
    recorder_.Info("odd");
  }
  db_.refusal = absl::OkStatus();
  recorder_.Info("next");
  ASSERT_EQ(db_.Of<LogEvent>().size(), 1u);
  EXPECT_EQ(db_.Of<LogEvent>()[0].text, "next");
}

TEST_F(JobRecorderTest, PicturesAreNotLostEither) {
  db_.refusal = absl::ResourceExhaustedError("disk full");
  recorder_.Picture({});
  db_.refusal = absl::OkStatus();
  recorder_.Metrics({});
  EXPECT_EQ(db_.Of<PictureEvent>().size(), 1u);
  EXPECT_EQ(db_.Of<MetricsEvent>().size(), 1u);
}

TEST_F(JobRecorderTest, OfMoreThanAreKeptTheNewestAreWrittenInOrder) {
  db_.refusal = absl::ResourceExhaustedError("disk full");
  constexpr size_t kBeyond = 5;
  for (size_t i = 0; i < JobRecorder::kMostUnwritten + kBeyond; ++i) recorder_.Info(std::to_string(i));
  db_.refusal = absl::OkStatus();
  ASSERT_THAT(recorder_.State(JobState::kRunning), IsOk());
  const auto written = db_.Of<LogEvent>();
  ASSERT_EQ(written.size(), JobRecorder::kMostUnwritten);
  for (size_t i = 0; i < written.size(); ++i) EXPECT_EQ(written[i].text, std::to_string(i + kBeyond));
}

TEST_F(JobRecorderTest, AStateThatCannotBeRecordedIsAnError) {
  db_.refusal = absl::ResourceExhaustedError("disk full");
  EXPECT_THAT(recorder_.State(JobState::kStopped), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(JobRecorderTest, ResumingTakesBackWhatWasBeyond) {
  ASSERT_THAT(recorder_.ResumeAt({40, "checkpoints/step-40"}), IsOk());
  EXPECT_THAT(db_.rewound_to, ElementsAre(40));
}

}  // namespace
}  // namespace mae
