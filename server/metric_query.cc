#include "server/metric_query.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"
#include "server/job_to_proto.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr int32_t kDefaultPoints = 1000;
constexpr int32_t kMaxPoints = 10000;
constexpr size_t kLongestNameShown = 64;  // of a name that there is not

absl::StatusOr<int64_t> PointsOf(const v1::QueryMetricsRequest& request) {
  if (request.max_points() < 0) {
    return InvalidField("max_points", absl::StrCat("is ", request.max_points(), "; give 0 (the default, ",
                                                   kDefaultPoints, ") or 1 to ", kMaxPoints));
  }
  return request.max_points() == 0 ? kDefaultPoints : std::min(request.max_points(), kMaxPoints);
}

// Before anything is read: each name costs the server a whole series, and the caller a few bytes.
absl::Status CheckNames(const v1::QueryMetricsRequest& request) {
  if (request.metrics_size() > kMaxQueriedMetrics) {
    return InvalidField("metrics",
                        absl::StrCat("has ", request.metrics_size(), " names; at most ", kMaxQueriedMetrics,
                                     " are taken, and none is every metric of the job"));
  }
  std::set<std::string> seen;
  for (int i = 0; i < request.metrics_size(); ++i) {
    if (!seen.insert(request.metrics(i)).second)
      return InvalidField(absl::StrCat("metrics[", i, "]"), "is there before; name each metric once");
  }
  return absl::OkStatus();
}

// The metrics asked for, or all; an unknown one is an error with the nearest known.
absl::StatusOr<std::vector<std::string>> MetricsOf(const v1::QueryMetricsRequest& request,
                                                   JobDbReader& reader) {
  MAE_RETURN_IF_ERROR(CheckNames(request));
  MAE_ASSIGN_OR_RETURN(const std::vector<std::string> known, reader.MetricNames());
  if (request.metrics().empty()) return known;
  for (const std::string& metric : request.metrics()) {
    if (std::find(known.begin(), known.end(), metric) != known.end()) continue;
    const std::string problem = absl::StrCat(
        request.name(), " has no metric '", absl::string_view(metric).substr(0, kLongestNameShown), "'",
        DidYouMean(metric, known), "; it has ", absl::StrJoin(known, ", "));
    return WithFieldViolations(absl::NotFoundError(absl::StrCat("metrics: ", problem)),
                               {{"metrics", problem}});
  }
  return std::vector<std::string>(request.metrics().begin(), request.metrics().end());
}

absl::Status CheckAnswerPoints(int64_t series, int64_t points, int64_t max_points) {
  if (series == 0 || points <= max_points / series) return absl::OkStatus();
  const int64_t fitting = max_points / series;
  return InvalidField(
      "max_points",
      absl::StrCat(series, " series of up to ", points, " points are more than the ", max_points,
                   " that an answer may have (", kMaxAnsweredPoints,
                   ", or fewer by rpc.max_message_mib); ask for ",
                   fitting > 0 ? absl::StrCat("at most ", fitting, " points a series, or for ") : "",
                   "fewer metrics at a time"));
}

}  // namespace

int64_t AnsweredPoints(int64_t max_message_bytes) {
  return std::min(kMaxAnsweredPoints, max_message_bytes / kAnsweredBytesPerPoint);
}

absl::Status AnswerMetrics(const v1::QueryMetricsRequest& request, JobDbReader& reader, int64_t max_points,
                           const std::function<bool()>& is_cancelled, v1::QueryMetricsResponse& response) {
  MAE_ASSIGN_OR_RETURN(const int64_t points_each, PointsOf(request));
  MAE_ASSIGN_OR_RETURN(const std::vector<std::string> metrics, MetricsOf(request, reader));
  MAE_RETURN_IF_ERROR(CheckAnswerPoints(static_cast<int64_t>(metrics.size()), points_each, max_points));
  for (const std::string& metric : metrics) {
    if (is_cancelled()) return absl::CancelledError("the caller has gone");
    MAE_ASSIGN_OR_RETURN(const std::vector<MetricPoint> points, reader.Series(metric, points_each));
    v1::MetricSeries& series = *response.add_series();
    series.set_metric(metric);
    for (const MetricPoint& point : points) *series.add_points() = ToProto(point);
  }
  return absl::OkStatus();
}

}  // namespace mae
