#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "server/device_metrics.h"
#include "server/host_metrics.h"
#include "server/process_metrics.h"
#include "tests/fakes/temp_folder.h"

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

TEST(Metrics, VersionsBeyondALimitShareTheirSeries) {
  Metrics metrics("1");
  InferMetrics& told = metrics;
  const auto classify = [&](int64_t version) {
    told.Record("clothes", version, "Classify", absl::StatusCode::kOk, absl::Milliseconds(20));
  };
  for (int64_t version = 1; version <= static_cast<int64_t>(Metrics::kMostVersions) + 2; ++version)
    classify(version);
  classify(1);
  const std::string text = Scrape(*metrics.registry());
  const std::string series = "mae_infer_requests_total{code=\"OK\",method=\"Classify\",model=";
  EXPECT_THAT(text, HasSubstr(series + "\"other\",version=\"\"} 2"));
  EXPECT_THAT(text, HasSubstr(series + "\"clothes\",version=\"1\"} 2"));
}

double ValueOf(const std::vector<prometheus::MetricFamily>& families, const std::string& name) {
  for (const auto& family : families) {
    if (family.name == name) return family.metric.at(0).gauge.value;
  }
  ADD_FAILURE() << "no " << name;
  return 0;
}

TEST(HostMetrics, TellOfTheDiskOfTheFolderAndOfThisMachine) {
  const TempFolder folder;
  const auto families = HostMetrics(folder.path()).Collect();
  const auto space = std::filesystem::space(folder.path());
  EXPECT_EQ(ValueOf(families, "mae_data_dir_size_bytes"), static_cast<double>(space.capacity));
  EXPECT_LE(ValueOf(families, "mae_data_dir_available_bytes"), static_cast<double>(space.capacity));
  EXPECT_GE(ValueOf(families, "mae_host_cpus"), 1);
  const double memory = ValueOf(families, "mae_host_memory_total_bytes");
  EXPECT_LT(ValueOf(families, "mae_host_memory_available_bytes"), memory);
  EXPECT_GT(ValueOf(families, "mae_host_memory_available_bytes"), 0);
  EXPECT_THAT(Scrape(HostMetrics(folder.path())), HasSubstr("mae_host_cpu_seconds_total{mode=\"iowait\"} "));
  EXPECT_THAT(Scrape(HostMetrics(folder.path() / "none")), Not(HasSubstr("mae_data_dir")));
}

TEST(DeviceMetrics, TellOfTheMachinesMemoryInWhichWhatFilesAreKeptInIsNotUsed) {
  const auto memory = ReadHostMemory();
  ASSERT_TRUE(memory.has_value());
  const auto families = DeviceMetrics("none").Collect();
  EXPECT_EQ(ValueOf(families, "mae_device_memory_total_bytes"), memory->total);
  EXPECT_NEAR(ValueOf(families, "mae_device_memory_used_bytes"), memory->total - memory->available,
              0.02 * memory->total);
}

TEST(DeviceMetrics, TellOfEachGpuWhatItsDriverKnows) {
  const std::string text = Scrape(DeviceMetrics(MAE_FAKE_NVML));
  const std::string labels = "{device=\"cuda:0\",name=\"Fake H0\"} ";
  EXPECT_THAT(text, HasSubstr("mae_device_memory_total_bytes" + labels + "1000"));
  EXPECT_THAT(text, HasSubstr("mae_device_memory_used_bytes" + labels + "250"));
  EXPECT_THAT(text, HasSubstr("mae_device_utilization_ratio" + labels + "0.8"));
  EXPECT_THAT(text, Not(HasSubstr("celsius")));
  EXPECT_THAT(text, Not(HasSubstr("cuda:1")));
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
