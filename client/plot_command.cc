#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/call_status.h"
#include "client/curve_plot.h"
#include "client/output.h"
#include "client/output_folder.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/terminal.h"
#include "client/verb_registry.h"
#include "image/line_chart.h"
#include "image/panel.h"
#include "mae/v1/job.grpc.pb.h"

namespace mae {
namespace {

constexpr int kMostJobs = 26;  ///< a letter each
constexpr int kUsualPoints = 2000;
constexpr int64_t kChartWidth = 960, kChartHeight = 540;

struct PlotOptions {
  std::vector<std::string> jobs;
  std::vector<std::string> metrics;
  int max_points = kUsualPoints;
  int rows = 0;  ///< 0: as many as fit
  std::string x = "step";
  std::string out;
};

/// One metric of every job.
struct Plotted {
  std::string metric;
  std::vector<Curve> curves;  ///< in order of the jobs
};

Curve CurveOf(const v1::MetricSeries& series, const PlotOptions& options) {
  Curve curve;
  for (const v1::MetricPoint& point : series.points()) {
    curve.push_back(
        {options.x == "epoch" ? point.epoch() : static_cast<double>(point.step()), point.value()});
  }
  return curve;
}

/// Empty where the job has no such metric yet.
absl::StatusOr<Curve> AskFor(Session& session, const PlotOptions& options, const std::string& job,
                             const std::string& metric) {
  v1::QueryMetricsRequest request;
  request.set_name(ResourceName("jobs", job));
  request.add_metrics(metric);
  request.set_max_points(options.max_points);
  const auto response = session.Call<v1::JobService>(&v1::JobService::Stub::QueryMetrics, request);
  if (!response.ok()) return NameOptions(response.status(), {{"metrics", "--metric"}});
  if (response->series().empty()) return Curve();
  return CurveOf(response->series(0), options);
}

absl::StatusOr<Plotted> Ask(Session& session, const PlotOptions& options, const std::string& metric) {
  Plotted plotted{metric, {}};
  bool any = false;
  for (const std::string& job : options.jobs) {
    MAE_ASSIGN_OR_RETURN(Curve curve, AskFor(session, options, job, metric));
    any |= !curve.empty();
    plotted.curves.push_back(std::move(curve));
  }
  if (any) return plotted;
  return absl::NotFoundError(absl::StrCat(metric, ": no points of it yet"));
}

CurveStyle StyleOf(size_t curves) {
  const bool ascii = IsTerminal(STDOUT_FILENO) && !IsLiveTerminal(STDOUT_FILENO);
  if (ascii) return CurveStyle::kLetters;
  if (curves == 1) return CurveStyle::kBraille;
  return ColorsOf(STDOUT_FILENO) == ColorDepth::kNone ? CurveStyle::kLetters : CurveStyle::kColoured;
}

std::string Newest(const Curve& curve) {
  return curve.empty() ? ", no points yet" : absl::StrCat(", newest ", ReadableNumber(curve.back().y));
}

std::string Drawing(const Plotted& plotted, const PlotOptions& options) {
  const CurveStyle style = StyleOf(plotted.curves.size());
  const int columns = std::min(TerminalColumns(STDOUT_FILENO), 160);
  const int legend = plotted.curves.size() > 1 ? static_cast<int>(plotted.curves.size()) : 0;
  const int rows =
      options.rows > 0 ? options.rows : std::clamp(TerminalRows(STDOUT_FILENO) - 4 - legend, 5, 20);
  std::string text = plotted.metric;
  if (plotted.curves.size() == 1) absl::StrAppend(&text, " of ", options.jobs[0], Newest(plotted.curves[0]));
  text += "\n";
  for (size_t i = 0; i < plotted.curves.size() && plotted.curves.size() > 1; ++i) {
    absl::StrAppend(&text, "  ", CurveMark(i, style), " ", options.jobs[i], Newest(plotted.curves[i]), "\n");
  }
  return text + PlotCurves(plotted.curves, options.x, columns, rows, style);
}

absl::StatusOr<Picture> ChartOf(const Plotted& plotted, const PlotOptions& options) {
  std::vector<ChartLine> lines;
  for (size_t i = 0; i < plotted.curves.size(); ++i) {
    ChartLine line{options.jobs[i], {}};
    for (const CurvePoint& point : plotted.curves[i]) line.points.emplace_back(point.x, point.y);
    lines.push_back(std::move(line));
  }
  const std::string title =
      lines.size() == 1 ? absl::StrCat(plotted.metric, " of ", options.jobs[0]) : plotted.metric;
  return DrawLineChart(lines, title, options.x, kChartWidth, kChartHeight);
}

/// The charts under one another.
absl::Status WriteCharts(Session& session, const std::vector<Plotted>& all, const PlotOptions& options) {
  std::vector<std::vector<Picture>> rows;
  for (const Plotted& plotted : all) {
    MAE_ASSIGN_OR_RETURN(Picture chart, ChartOf(plotted, options));
    rows.push_back({std::move(chart)});
  }
  MAE_ASSIGN_OR_RETURN(const Picture panel, ComposePanel(rows, {}, /*gap=*/0));
  MAE_ASSIGN_OR_RETURN(const std::string png, EncodePng(panel));
  MAE_RETURN_IF_ERROR(WriteOutputFile(options.out, png));
  session.Note(absl::StrCat("wrote ", options.out));
  return absl::OkStatus();
}

absl::Status ShowPlot(Session& session, PlotOptions options) {
  if (!options.out.empty() && !absl::EndsWith(options.out, ".png")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--out ", options.out, ": the file's name must end in .png"));
  }
  if (options.metrics.empty()) options.metrics = {"loss"};
  std::vector<Plotted> all;
  for (const std::string& metric : options.metrics) {
    MAE_ASSIGN_OR_RETURN(all.emplace_back(), Ask(session, options, metric));
  }
  if (!options.out.empty()) return WriteCharts(session, all, options);
  for (const Plotted& plotted : all) WriteStdout(Drawing(plotted, options));
  return absl::OkStatus();
}

}  // namespace

void AddPlotCommand(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Jobs", "plot", "Curves of one or several jobs, in the terminal or as PNG",
                             "plot pretrain-1\n"
                             "plot pretrain-1 pretrain-2 --metric validation_loss --x epoch\n"
                             "plot pretrain-1 --metric loss --metric learning_rate --out curves.png");
  auto options = std::make_shared<PlotOptions>();
  verb->add_option("jobs", options->jobs, "The jobs, a curve each")->required()->expected(1, kMostJobs);
  verb->add_option("--metric", options->metrics, "What to draw (may be repeated, a chart each); else loss")
      ->allow_extra_args(false);
  verb->add_option("--x", options->x, "step or epoch")
      ->check(CLI::IsMember({"step", "epoch"}))
      ->capture_default_str();
  verb->add_option("--out", options->out, "Write FILE.png instead of drawing in the terminal");
  verb->add_option("--rows", options->rows, "Height in lines of a drawing")->check(CLI::Range(5, 200));
  verb->add_option("--max-points", options->max_points,
                   "Thin each series to at most so many points, on the server")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  verbs.OnChosen(verb, [&verbs, options] { return ShowPlot(verbs.session(), *options); });
}

}  // namespace mae
