#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "image/codec.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Every job's metric falls from 1 by a tenth a step, over as many steps as its name has letters; "none" has
/// no points.
Script Falling(std::vector<v1::QueryMetricsRequest>* seen = nullptr) {
  Script script;
  script.query_metrics = [seen](const auto&, const v1::QueryMetricsRequest& request,
                                v1::QueryMetricsResponse& response) {
    if (seen != nullptr) seen->push_back(request);
    if (request.name() == "jobs/none") return grpc::Status::OK;
    v1::MetricSeries& series = *response.add_series();
    series.set_metric(request.metrics(0));
    const int steps = static_cast<int>(request.name().size() - std::string("jobs/").size());
    for (int step = 1; step <= steps; ++step) {
      v1::MetricPoint& point = *series.add_points();
      point.set_step(step);
      point.set_epoch(step / 2.0);
      point.set_value(1 - step / 10.0);
    }
    return grpc::Status::OK;
  };
  return script;
}

ClientResult RunPlot(const FakeServer& server, std::vector<std::string> arguments,
                     ClientOptions options = {}) {
  arguments.insert(arguments.begin(), "plot");
  options.server = server.address();
  return RunClient(arguments, options);
}

absl::StatusOr<Picture> PictureIn(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return DecodePicture(std::string(std::istreambuf_iterator<char>(file), {}), 1 << 24);
}

TEST(Plot, DrawsTheLossOfAJobWithItsRanges) {
  std::vector<v1::QueryMetricsRequest> seen;
  FakeServer server(Falling(&seen));
  const ClientResult result = RunPlot(server, {"five5"});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].metrics(0), "loss");
  EXPECT_EQ(seen[0].max_points(), 2000);
  EXPECT_THAT(result.out, HasSubstr("loss of five5, newest 0.5\n"));
  EXPECT_THAT(result.out, HasSubstr("0.9 │"));
  EXPECT_THAT(result.out, testing::ContainsRegex("1 +step +5\n"));
}

TEST(Plot, CanHaveEpochsBelow) {
  FakeServer server(Falling());
  EXPECT_THAT(RunPlot(server, {"five5", "--x", "epoch"}).out, testing::ContainsRegex("0.5 +epoch +2.5\n"));
}

TEST(Plot, SeveralJobsShareADrawingWithALegend) {
  FakeServer server(Falling());
  const ClientResult result = RunPlot(server, {"two", "five5", "none"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              HasSubstr("loss\n  a two, newest 0.7\n  b five5, newest 0.5\n  c none, no points yet\n"));
  EXPECT_THAT(result.out, HasSubstr("bbb")) << "letters in a file";
  const ClientResult coloured = RunPlot(server, {"two", "five5"}, {.stdout_is_terminal = true});
  EXPECT_THAT(coloured.terminal, HasSubstr("\x1b[38;5;"));
  EXPECT_THAT(coloured.terminal, HasSubstr("●"));
}

TEST(Plot, EachMetricIsADrawing) {
  FakeServer server(Falling());
  const ClientResult result = RunPlot(server, {"five5", "--metric", "loss", "--metric", "accuracy"});
  EXPECT_THAT(result.out, HasSubstr("loss of five5"));
  EXPECT_THAT(result.out, HasSubstr("accuracy of five5"));
}

TEST(Plot, WritesAPngWithAChartAMetric) {
  TempFolder folder;
  FakeServer server(Falling());
  const std::string one = folder / "one.png", two = folder / "two.png";
  const ClientResult result = RunPlot(server, {"five5", "two", "--out", one});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("wrote " + one));
  const auto picture = PictureIn(one);
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(RunPlot(server, {"five5", "--metric", "loss", "--metric", "accuracy", "--out", two}).exit_code,
            0);
  const auto both = PictureIn(two);
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(both->width, picture->width);
  EXPECT_EQ(both->height, 2 * picture->height);
}

TEST(Plot, AMetricThatNoJobHasIsNotFound) {
  FakeServer server(Falling());
  const ClientResult result = RunPlot(server, {"none", "--metric", "accuracy"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("accuracy: no points of it yet"));
}

TEST(Plot, AMistypedMetricIsNamedAsTheOption) {
  Script script;
  script.query_metrics = [](const auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND,
                        "metrics: jobs/p has no metric 'los' (did you mean 'loss'?)");
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunPlot(server, {"p", "--metric", "los"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "mae_client: --metric: jobs/p has no metric 'los' (did you mean 'loss'?)\n");
}

TEST(Plot, RefusesFilesOfOtherKindsAndTooManyJobs) {
  EXPECT_THAT(RunClient({"plot", "p", "--out", "curves.svg"}).err, HasSubstr("must end in .png"));
  std::vector<std::string> many(28, "p");
  many[0] = "plot";
  EXPECT_EQ(RunClient(many).exit_code, 2);
}

}  // namespace
}  // namespace mae
