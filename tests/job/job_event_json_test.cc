#include "job/job_event_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

JobEventBody RoundTrip(const JobEventBody& event) {
  const absl::StatusOr<JobEventBody> read = JobEventFromJson(JobEventKind(event), JobEventToJson(event));
  EXPECT_THAT(read, IsOk());
  return read.value_or(LogEvent{"error", "unreadable"});
}

TEST(JobEventJson, EveryKindReadsBackAsItself) {
  const JobEventBody events[] = {
      StateEvent{JobState::kRunning, absl::OkStatus()},
      StateEvent{JobState::kFailed, absl::DataLossError("every checkpoint is bad; start anew")},
      MetricsEvent{12, 100, 0.6, 5, {{"loss", 0.25}, {"learning_rate", 1e-4}}},
      PictureEvent{3, "epoch 3", "samples/epoch-003.png"},
      CheckpointEvent{12, "checkpoints/step-12"},
      RestartEvent{"rank 1: signal 9 (Killed): all begin again"},
      LogEvent{"warning", "two\nlines, \"quoted\", \xc3\xa9"},
  };
  for (const JobEventBody& event : events) EXPECT_TRUE(RoundTrip(event) == event) << JobEventToJson(event);
}

TEST(JobEventJson, MetricsThatAreNoNumbersSurvive) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto read = std::get<MetricsEvent>(
      RoundTrip(MetricsEvent{1, 2, 0, 1, {{"a", std::nan("")}, {"b", infinity}, {"c", -infinity}}}));
  EXPECT_TRUE(std::isnan(read.values.at("a")));
  EXPECT_EQ(read.values.at("b"), infinity);
  EXPECT_EQ(read.values.at("c"), -infinity);
}

TEST(JobEventJson, TextThatIsNotUtf8IsKeptReadable) {
  const auto read = std::get<LogEvent>(RoundTrip(LogEvent{"info", "bad \xff byte"}));
  EXPECT_THAT(read.text, HasSubstr("bad "));
  EXPECT_THAT(read.text, HasSubstr(" byte"));
}

TEST(JobEventJson, FieldsOfANewerWriterAreSkipped) {
  EXPECT_THAT(JobEventFromJson("log", R"({"severity": "info", "text": "hello", "colour": 7})"), IsOk());
}

TEST(JobEventJson, DamageIsDataLossAndSaysWhere) {
  const auto is_loss = [](const char* words) {
    return StatusIs(absl::StatusCode::kDataLoss, HasSubstr(words));
  };
  EXPECT_THAT(JobEventFromJson("log", "{\"severity\": \"in"), is_loss("log event"));
  EXPECT_THAT(JobEventFromJson("checkpoint", R"({"path": "x"})"), is_loss("step"));
  EXPECT_THAT(JobEventFromJson("checkpoint", R"({"step": 1e300, "path": "x"})"),
              is_loss("step is no whole number"));
  EXPECT_THAT(JobEventFromJson("weather", "{}"), is_loss("'weather'"));
  EXPECT_THAT(JobEventFromJson("state", R"({"state": "SLEEPING"})"), is_loss("SLEEPING"));
}

}  // namespace
}  // namespace mae
