#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "mae/v1/job.grpc.pb.h"

namespace mae {
namespace {

struct MetricsOptions {
  std::string job;
  std::vector<std::string> metrics;
  int max_points = 0;  ///< 0: as the format likes
};

absl::StatusOr<v1::QueryMetricsResponse> Query(Session& session, const MetricsOptions& options,
                                               int max_points) {
  v1::QueryMetricsRequest request;
  request.set_name(ResourceName("jobs", options.job));
  for (const std::string& metric : options.metrics) request.add_metrics(metric);
  request.set_max_points(options.max_points > 0 ? options.max_points : max_points);
  return session.Call<v1::JobService>(&v1::JobService::Stub::QueryMetrics, request);
}

/// Series side by side: a row a step, a column a metric.
struct Wide {
  explicit Wide(const v1::QueryMetricsResponse& response) {
    for (int s = 0; s < response.series_size(); ++s) {
      names.push_back(response.series(s).metric());
      for (const v1::MetricPoint& point : response.series(s).points()) {
        auto& row = rows[point.step()];
        row.resize(response.series_size());
        row[s] = &point;
      }
    }
  }
  std::vector<std::string> names;
  std::map<int64_t, std::vector<const v1::MetricPoint*>> rows;  ///< by step; null where a series has no point
};

double EpochOf(const std::vector<const v1::MetricPoint*>& row) {
  for (const v1::MetricPoint* point : row) {
    if (point != nullptr) return point->epoch();
  }
  return 0;
}

std::string MetricsTable(const Wide& wide) {
  std::vector<std::string> headings = {"STEP", "EPOCH"};
  headings.insert(headings.end(), wide.names.begin(), wide.names.end());
  Table table(headings);
  for (const auto& [step, points] : wide.rows) {
    std::vector<std::string> row = {absl::StrCat(step), absl::StrFormat("%.2f", EpochOf(points))};
    for (const v1::MetricPoint* point : points)
      row.push_back(point == nullptr ? "" : ReadableNumber(point->value()));
    table.Add(std::move(row));
  }
  return table.Text();
}

std::string MetricsCsv(const Wide& wide) {
  std::string text =
      absl::StrCat("step,epoch", wide.names.empty() ? "" : ",", absl::StrJoin(wide.names, ","), "\n");
  for (const auto& [step, points] : wide.rows) {
    absl::StrAppend(&text, step, ",", absl::StrFormat("%.9g", EpochOf(points)));
    for (const v1::MetricPoint* point : points) {
      absl::StrAppend(&text, ",", point == nullptr ? "" : absl::StrFormat("%.9g", point->value()));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

absl::Status ShowMetrics(Session& session, const MetricsOptions& options) {
  const bool table = session.options.format == OutputFormat::kTable;
  MAE_ASSIGN_OR_RETURN(const auto response, Query(session, options, table ? 20 : 1000));
  if (session.options.format == OutputFormat::kCsv) {
    WriteStdout(MetricsCsv(Wide(response)));
    return absl::OkStatus();
  }
  return WriteMessage(session.options.format, response, [&] { return MetricsTable(Wide(response)); });
}

}  // namespace

void AddMetricsCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Jobs", "metrics", "A job's metrics as a table, CSV or JSON",
                             "metrics pretrain-1 --metric loss --metric validation_loss\n"
                             "metrics pretrain-1 -o csv > loss.csv");
  auto options = std::make_shared<MetricsOptions>();
  verb->add_option("job", options->job, "The job")->required();
  verb->add_option("--metric", options->metrics, "Only this metric (may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("--max-points", options->max_points,
                   "Thin each series to at most so many points, on the server")
      ->check(CLI::Range(1, 10000));
  verbs.OnChosen(verb, [&verbs, options] { return ShowMetrics(verbs.session(), *options); });
}

}  // namespace mae
