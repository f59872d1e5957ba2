#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/infer_metrics.h"

namespace mae {

/// The series that calls make as they end: grpc_server_handled_total, grpc_server_handling_seconds,
/// mae_infer_requests_total, mae_infer_request_duration_seconds, mae_infer_queue_duration_seconds,
/// mae_infer_batch_size, mae_response_cache_hits_total, mae_response_cache_misses_total; and mae_build_info.
/// Thread-safe.
class Metrics final : public InferMetrics {
 public:
  static constexpr size_t kMostVersions = 500;

  /// @param version for mae_build_info.
  explicit Metrics(const std::string& version);

  /// A call has ended. @param service "mae.v1.JobService". @param method "GetJob".
  void RecordCall(const std::string& service, const std::string& method, absl::StatusCode code,
                  absl::Duration duration);

  /// A call was refused before it reached its service: of those, grpc_server_handled_total alone tells.
  void CountEnd(const std::string& service, const std::string& method, absl::StatusCode code);

  void Record(std::string_view model, int64_t version, std::string_view method, absl::StatusCode code,
              absl::Duration duration) override;
  void RecordBatch(std::string_view model, int64_t version, const BatchRecord& batch) override;
  void RecordLookup(std::string_view model, int64_t version, const CacheLookup& lookup) override;

  /// To be served, or looked at by tests.
  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

 private:
  /// Labels model and version. Of more than kMostVersions versions since the server started, the later ones
  /// share "other", so that a server that publishes for years does not fill up.
  prometheus::Labels Named(std::string_view model, int64_t version) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& handled_;
  prometheus::Family<prometheus::Histogram>& handling_seconds_;
  prometheus::Family<prometheus::Counter>& infer_requests_;
  prometheus::Family<prometheus::Histogram>& infer_seconds_;
  prometheus::Family<prometheus::Histogram>& infer_queue_seconds_;
  prometheus::Family<prometheus::Histogram>& infer_batch_size_;
  prometheus::Family<prometheus::Counter>& cache_hits_;
  prometheus::Family<prometheus::Counter>& cache_misses_;
  absl::Mutex mutex_;
  std::set<std::pair<std::string, int64_t>> named_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
