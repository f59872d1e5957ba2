#include "train/step_trace.h"

#include <gmock/gmock.h>

#include "base/joined_thread.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kTraceStart = StepTrace::Clock::time_point(std::chrono::hours(1));

StepTrace::Clock::time_point MillisecondsIn(int64_t milliseconds) {
  return kTraceStart + std::chrono::milliseconds(milliseconds);
}

TEST(StepTrace, SumsUpEachPhase) {
  StepTrace trace;
  for (const int64_t duration : {10, 40, 20, 30})
    trace.Add("optimizer", 0, MillisecondsIn(0), MillisecondsIn(duration));
  trace.Add("ema", 0, MillisecondsIn(0), MillisecondsIn(100));
  const auto phases = trace.Summaries();
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_STREQ(phases[0].name, "optimizer");
  EXPECT_EQ(phases[0].count, 4);
  EXPECT_NEAR(phases[0].total_ms, 100.0, 1e-9);
  EXPECT_NEAR(phases[0].median_ms, 25.0, 1e-9);
  EXPECT_NEAR(phases[1].median_ms, 100.0, 1e-9);
}

TEST(StepTrace, SharesAreOfAllTimeAndOfThreadsSideBySideTheMean) {
  StepTrace trace;
  trace.Add("forward", StepTrace::LaneOfShard(0), MillisecondsIn(0), MillisecondsIn(40));
  trace.Add("forward", StepTrace::LaneOfShard(1), MillisecondsIn(0), MillisecondsIn(60));
  trace.Add("optimizer", StepTrace::kTraining, MillisecondsIn(60), MillisecondsIn(100));
  EXPECT_NEAR(trace.Summaries()[0].share, 0.5, 1e-9);
  EXPECT_NEAR(trace.Summaries()[1].share, 0.4, 1e-9);
}

TEST(StepTrace, WritesMicrosecondsFromTheEarliestEventOn) {
  StepTrace trace;
  trace.BeginStep(7);
  trace.Add("late", 0, MillisecondsIn(5), MillisecondsIn(6));
  trace.Add("early", 2, MillisecondsIn(3), MillisecondsIn(6));
  EXPECT_THAT(
      trace.ToJson(),
      HasSubstr(
          R"("name": "late", "ph": "X", "pid": 1, "tid": 0, "ts": 2000.000, "dur": 1000.000, "args": {"step": 7}})"));
  EXPECT_THAT(trace.ToJson(), HasSubstr(R"("tid": 2, "ts": 0.000, "dur": 3000.000)"));
}

TEST(StepTrace, CountsWhatFindsNoRoom) {
  StepTrace trace(/*max_events=*/2);
  for (const char* name : {"one", "two", "three"}) trace.Add(name, 0, MillisecondsIn(0), MillisecondsIn(1));
  EXPECT_EQ(trace.dropped(), 1);
  EXPECT_EQ(trace.Summaries().size(), 2u);
  EXPECT_THAT(trace.ToJson(), Not(HasSubstr("three")));
}

TEST(StepTrace, TakesPhasesOfThreadsAtTheSameTime) {
  StepTrace trace;
  {
    std::vector<JoinedThread> threads;
    for (int shard = 0; shard < 4; ++shard) {
      threads.emplace_back([&trace, shard] {
        for (int i = 0; i < 100; ++i)
          const StepTrace::Phase phase(&trace, "forward", StepTrace::LaneOfShard(shard));
      });
    }
  }
  EXPECT_EQ(trace.Summaries()[0].count, 400);
}

TEST(StepTrace, APhaseWithoutATraceDoesNothing) { const StepTrace::Phase phase(nullptr, "forward"); }

}  // namespace
}  // namespace mae
