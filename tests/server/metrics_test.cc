#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "server/process_metrics.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Scrape(const prometheus::Collectable& source) {
  return prometheus::TextSerializer().Serialize(source.Collect());
}

TEST(Metrics, CallsCountByCodeAndTimeByMethod) {
  Metrics metrics("1.2.3");
  metrics.RecordCall("mae.v1.JobService", "GetJob", absl::StatusCode::kOk, absl::Milliseconds(3));
  metrics.RecordCall("mae.v1.JobService", "GetJob", absl::StatusCode::kNotFound, absl::Milliseconds(300));
  const std::string text = Scrape(*metrics.registry());
  const std::string labels = "grpc_method=\"GetJob\",grpc_service=\"mae.v1.JobService\"";
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"NOT_FOUND\"," + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\"," + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_count{" + labels + "} 2"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_bucket{" + labels + ",le=\"0.005\"} 1"));
  EXPECT_THAT(text, HasSubstr("mae_build_info{version=\"1.2.3\"} 1"));
}

TEST(Metrics, InferenceRequestsCountByModelVersionMethodAndCode) {
  Metrics metrics("1");
  InferMetrics& told = metrics;
  told.Record("clothes", 3, "Classify", absl::StatusCode::kOk, absl::Milliseconds(20));
  told.Record("clothes", 3, "Classify", absl::StatusCode::kOk, absl::Milliseconds(20));
  told.Record("", 0, "Embed", absl::StatusCode::kNotFound, absl::Milliseconds(1));
  const std::string text = Scrape(*metrics.registry());
  EXPECT_THAT(
      text,
      HasSubstr(
          "mae_infer_requests_total{code=\"OK\",method=\"Classify\",model=\"clothes\",version=\"3\"} 2"));
  EXPECT_THAT(
      text,
      HasSubstr("mae_infer_requests_total{code=\"NOT_FOUND\",method=\"Embed\",model=\"\",version=\"\"} 1"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "mae_infer_request_duration_seconds_count{method=\"Classify\",model=\"clothes\",version=\"3\"} 2"));
}

TEST(Metrics, LooksIntoTheResponseCacheCountByModelVersionAndOutcome) {
  Metrics metrics("1");
  InferMetrics& told = metrics;
  told.RecordLookup("clothes", 3, {true, absl::Milliseconds(1)});
  told.RecordLookup("clothes", 3, {true, absl::Milliseconds(1)});
  told.RecordLookup("clothes", 3, {false, absl::Milliseconds(1)});
  const std::string text = Scrape(*metrics.registry());
  EXPECT_THAT(text, HasSubstr("mae_response_cache_hits_total{model=\"clothes\",version=\"3\"} 2"));
  EXPECT_THAT(text, HasSubstr("mae_response_cache_misses_total{model=\"clothes\",version=\"3\"} 1"));
}

TEST(ProcessMetrics, TellOfThisProcess) {
  const auto families = ProcessMetrics().Collect();
  const auto value = [&](const std::string& name) {
    for (const auto& family : families) {
      if (family.name != name) continue;
      const auto& metric = family.metric.at(0);
      return family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
    return -1.0;
  };
  EXPECT_GT(value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(value("process_virtual_memory_bytes"), value("process_resident_memory_bytes"));
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_GE(value("process_max_fds"), value("process_open_fds"));
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_LE(value("process_start_time_seconds"), now + 1);
  EXPECT_GT(value("process_start_time_seconds"), now - 86400);
}

}  // namespace
}  // namespace mae
