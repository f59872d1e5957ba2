#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "client/curve_plot.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/terminal.h"
#include "client/verb_registry.h"
#include "mae/v1/job.grpc.pb.h"

namespace mae {
namespace {

struct MetricsOptions {
  std::string job;
  std::vector<std::string> metrics;
  int max_points = 0;  ///< 0: as the verb likes
  int rows = 0;        ///< of a plot; 0: as many as fit
  std::string x = "step";
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

std::string Plot(const v1::MetricSeries& series, const MetricsOptions& options) {
  std::vector<CurvePoint> points;
  for (const v1::MetricPoint& point : series.points()) {
    points.push_back(
        {options.x == "epoch" ? point.epoch() : static_cast<double>(point.step()), point.value()});
  }
  const bool ascii = IsTerminal(STDOUT_FILENO) && !IsLiveTerminal(STDOUT_FILENO);
  const int columns = std::min(TerminalColumns(STDOUT_FILENO), 160);
  const int rows = options.rows > 0 ? options.rows : std::min(20, TerminalRows(STDOUT_FILENO) - 4);
  std::string text = absl::StrCat(series.metric(), " of ", options.job);
  if (!points.empty()) absl::StrAppend(&text, ", newest ", ReadableNumber(points.back().y));
  return absl::StrCat(text, "\n", PlotCurve(points, options.x, columns, rows, ascii));
}

absl::Status ShowPlot(Session& session, MetricsOptions options) {
  if (options.metrics.empty()) options.metrics = {"loss"};
  MAE_ASSIGN_OR_RETURN(const auto response, Query(session, options, 2000));
  for (const v1::MetricSeries& series : response.series()) WriteStdout(Plot(series, options));
  if (response.series().empty())
    return absl::NotFoundError(absl::StrCat(options.job, " has no such metric yet"));
  return absl::OkStatus();
}

CLI::App* AddVerb(VerbRegistry& verbs, const std::string& name, const std::string& summary,
                  const std::string& examples, const std::shared_ptr<MetricsOptions>& options) {
  CLI::App* verb = verbs.Add("Jobs", name, summary, examples);
  verb->add_option("job", options->job, "The job")->required();
  verb->add_option("--metric", options->metrics, "Only this metric (may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("--max-points", options->max_points,
                   "Thin each series to at most so many points, on the server")
      ->check(CLI::Range(1, 10000));
  return verb;
}

}  // namespace

void AddMetricsCommands(VerbRegistry& verbs) {
  auto metrics = std::make_shared<MetricsOptions>();
  CLI::App* verb = AddVerb(verbs, "metrics", "A job's metrics as a table, CSV or JSON",
                           "metrics pretrain-1 --metric loss --metric validation_loss\n"
                           "metrics pretrain-1 -o csv > loss.csv",
                           metrics);
  verbs.OnChosen(verb, [&verbs, metrics] { return ShowMetrics(verbs.session(), *metrics); });
  auto plot = std::make_shared<MetricsOptions>();
  verb = AddVerb(verbs, "plot", "A metric's curve in the terminal",
                 "plot pretrain-1\nplot pretrain-1 --metric accuracy", plot);
  verb->add_option("--x", plot->x, "step or epoch")
      ->check(CLI::IsMember({"step", "epoch"}))
      ->capture_default_str();
  verb->add_option("--rows", plot->rows, "Height in lines")->check(CLI::Range(5, 200));
  verbs.OnChosen(verb, [&verbs, plot] { return ShowPlot(verbs.session(), *plot); });
}

}  // namespace mae
