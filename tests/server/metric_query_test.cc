#include "server/metric_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/job_to_proto.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A job whose series have as many points as they are asked for; keeps what was read.
class LongJob : public JobDbReader {
 public:
  absl::StatusOr<std::vector<JobEvent>> EventsAfter(int64_t, int64_t) override {
    return std::vector<JobEvent>();
  }
  absl::StatusOr<JobSummary> Summary() override { return JobSummary(); }
  absl::StatusOr<std::vector<std::string>> MetricNames() override {
    return std::vector<std::string>{"accuracy", "loss", "validation_loss"};
  }
  absl::StatusOr<std::vector<MetricPoint>> Series(const std::string& metric, int64_t max_points) override {
    read.push_back(metric);
    return std::vector<MetricPoint>(static_cast<size_t>(max_points));
  }

  std::vector<std::string> read;
};

v1::QueryMetricsRequest RequestFor(const std::vector<std::string>& metrics, int max_points = 0) {
  v1::QueryMetricsRequest request;
  request.set_name("jobs/long");
  for (const std::string& metric : metrics) request.add_metrics(metric);
  request.set_max_points(max_points);
  return request;
}

bool Stays() { return false; }

class MetricQueryTest : public testing::Test {
 protected:
  absl::Status Ask(const v1::QueryMetricsRequest& request, int64_t max_points = kMaxAnsweredPoints,
                   const std::function<bool()>& is_cancelled = &Stays) {
    response_.Clear();
    return AnswerMetrics(request, job_, max_points, is_cancelled, response_);
  }

  LongJob job_;
  v1::QueryMetricsResponse response_;
};

TEST_F(MetricQueryTest, AMetricThatIsNamedTwiceIsRefusedBeforeAnyIsRead) {
  const absl::Status refused = Ask(RequestFor({"loss", "accuracy", "loss"}));
  EXPECT_THAT(refused, StatusIs(StatusCode::kInvalidArgument, HasSubstr("metrics[2]: is there before")));
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.BadRequest").has_value());
  EXPECT_THAT(job_.read, IsEmpty());
  EXPECT_THAT(Ask(RequestFor({"loss", "accuracy"})), IsOk());
  EXPECT_THAT(job_.read, ElementsAre("loss", "accuracy"));
}

TEST_F(MetricQueryTest, MoreNamesThanAJobHasAreRefusedBeforeAnyIsRead) {
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; ++i) names.push_back(absl::StrCat("m", i));
  EXPECT_THAT(Ask(RequestFor(names)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("metrics: has 20000 names; at most 100")));
  EXPECT_THAT(job_.read, IsEmpty());
}

TEST_F(MetricQueryTest, TheSeriesTogetherHaveNoMorePointsThanAnAnswerMayHave) {
  EXPECT_THAT(Ask(RequestFor({}, 100), 300), IsOk());
  EXPECT_EQ(response_.series_size(), 3);
  job_.read.clear();
  EXPECT_THAT(Ask(RequestFor({}, 101), 300),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("max_points: 3 series of up to 101 points are more than the 300"),
                             HasSubstr("at most 100 points a series"), HasSubstr("fewer metrics"),
                             HasSubstr("rpc.max_message_mib"))));
  EXPECT_THAT(Ask(RequestFor({"loss"}, 101), 300), IsOk());
  EXPECT_THAT(job_.read, ElementsAre("loss"));
}

TEST_F(MetricQueryTest, AsManyPointsAsAnAnswerMayHaveFitInAMessage) {
  constexpr int64_t kMessage = 1 << 20;
  const int64_t points = AnsweredPoints(kMessage);
  ASSERT_GT(points, 20'000);
  v1::MetricSeries& series = *response_.add_series();
  const absl::Time time = absl::FromUnixNanos(4'000'000'000'999'999'999);
  const v1::MetricPoint largest = ToProto(MetricPoint{int64_t{1} << 62, 0.1, -1e300, time});
  for (int64_t i = 0; i < points; ++i) *series.add_points() = largest;
  EXPECT_LE(response_.ByteSizeLong(), static_cast<size_t>(kMessage));
  EXPECT_EQ(AnsweredPoints(int64_t{1} << 30), kMaxAnsweredPoints);
}

TEST_F(MetricQueryTest, NothingMoreIsReadOnceTheCallerHasGone) {
  const auto gone = [this] { return !job_.read.empty(); };
  EXPECT_THAT(Ask(RequestFor({}), kMaxAnsweredPoints, gone), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(job_.read, ElementsAre("accuracy"));
}

TEST_F(MetricQueryTest, ANameThatThereIsNotIsShownShortened) {
  EXPECT_THAT(Ask(RequestFor({std::string(1'000'000, 'x')})),
              StatusIs(StatusCode::kNotFound, AllOf(HasSubstr("it has accuracy, loss, validation_loss"),
                                                    Not(HasSubstr(std::string(100, 'x'))))));
  EXPECT_THAT(Ask(RequestFor({"lost"})), StatusIs(StatusCode::kNotFound, HasSubstr("'loss'")));
}

}  // namespace
}  // namespace mae
