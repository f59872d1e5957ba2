#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"

namespace mae {
namespace {

using testing::HasSubstr;

void AddPoint(v1::MetricSeries& series, int64_t step, double value) {
  v1::MetricPoint* point = series.add_points();
  point->set_step(step);
  point->set_epoch(static_cast<double>(step) / 100);
  point->set_value(value);
}

Script TwoSeries(v1::QueryMetricsRequest& seen) {
  Script script;
  script.query_metrics = [&seen](const auto&, const v1::QueryMetricsRequest& request, auto& response) {
    seen = request;
    auto* loss = response.add_series();
    loss->set_metric("loss");
    AddPoint(*loss, 50, 0.75);
    AddPoint(*loss, 100, 0.5);
    auto* validation = response.add_series();
    validation->set_metric("validation_loss");
    AddPoint(*validation, 100, 0.625);
    return grpc::Status::OK;
  };
  return script;
}

TEST(Metrics, TableHasARowAStepAndAColumnAMetric) {
  v1::QueryMetricsRequest seen;
  FakeServer server(TwoSeries(seen));
  const ClientResult result = RunClient({"metrics", "p", "--metric", "loss", "--metric", "validation_loss"},
                                        {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "STEP  EPOCH  loss  validation_loss\n"
            "  50   0.50  0.75                -\n"
            " 100   1.00   0.5            0.625\n");
  EXPECT_EQ(seen.name(), "jobs/p");
  EXPECT_EQ(seen.metrics_size(), 2);
}

TEST(Metrics, CsvLeavesMissingPointsEmpty) {
  v1::QueryMetricsRequest seen;
  FakeServer server(TwoSeries(seen));
  EXPECT_EQ(RunClient({"metrics", "p", "-o", "csv"}, {.server = server.address()}).out,
            "step,epoch,loss,validation_loss\n50,0.5,0.75,\n100,1,0.5,0.625\n");
}

TEST(Metrics, JsonIsTheAnswer) {
  v1::QueryMetricsRequest seen;
  FakeServer server(TwoSeries(seen));
  const auto json = nlohmann::json::parse(
      RunClient({"metrics", "p", "-o", "json", "--max-points", "7"}, {.server = server.address()}).out);
  server.Stop();
  EXPECT_EQ(json["series"][0]["points"][1]["value"], 0.5);
  EXPECT_EQ(seen.max_points(), 7);
}

TEST(Metrics, CsvIsForMetricsAlone) {
  int asked = 0;
  Script script;
  script.get_job = [&asked](const auto&, const auto&, auto&) {
    ++asked;
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"get-job", "p", "-o", "csv"}, {.server = server.address()});
  server.Stop();
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("csv is for `metrics`"));
}

}  // namespace
}  // namespace mae
