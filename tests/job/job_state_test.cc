#include "job/job_state.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

constexpr JobState kAll[] = {JobState::kQueued,   JobState::kStarting, JobState::kRunning,
                             JobState::kStopping, JobState::kStopped,  JobState::kSucceeded,
                             JobState::kFailed};

TEST(JobState, EveryNameReadsBackAsItself) {
  for (const JobState state : kAll) EXPECT_THAT(JobStateFromName(JobStateName(state)), IsOkAndHolds(state));
  EXPECT_EQ(JobStateName(JobState::kQueued), "QUEUED");
  EXPECT_EQ(JobStateName(JobState::kFailed), "FAILED");
}

TEST(JobState, AnotherSpellingIsRefusedByName) {
  EXPECT_THAT(JobStateFromName("running"),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("'running'")));
}

TEST(JobState, OnlyStoppedSucceededAndFailedAreEnds) {
  for (const JobState state : kAll) {
    const bool end =
        state == JobState::kStopped || state == JobState::kSucceeded || state == JobState::kFailed;
    EXPECT_EQ(IsEnded(state), end) << JobStateName(state);
  }
}

}  // namespace
}  // namespace mae
