#include "server/metrics.h"

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

// Images.
const prometheus::Histogram::BucketBoundaries kBatchBuckets = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

// Seconds; from a cheap lookup to a large batch through a large model.
const prometheus::Histogram::BucketBoundaries kBuckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                          0.5,   1,      2.5,   5,    10,    30,   60};

}  // namespace

Metrics::Metrics(const std::string& version)
    : registry_(std::make_shared<prometheus::Registry>()),
      handled_(prometheus::BuildCounter()
                   .Name("grpc_server_handled_total")
                   .Help("Calls that ended, by status code.")
                   .Register(*registry_)),
      handling_seconds_(prometheus::BuildHistogram()
                            .Name("grpc_server_handling_seconds")
                            .Help("Time from the start of a call to its status; of a stream, all of it.")
                            .Register(*registry_)),
      infer_requests_(prometheus::BuildCounter()
                          .Name("mae_infer_requests_total")
                          .Help("Inference requests that ended, those of streams too.")
                          .Register(*registry_)),
      infer_seconds_(prometheus::BuildHistogram()
                         .Name("mae_infer_request_duration_seconds")
                         .Help("Time of an inference request: decoding, forward pass, encoding.")
                         .Register(*registry_)),
      infer_queue_seconds_(prometheus::BuildHistogram()
                               .Name("mae_infer_queue_duration_seconds")
                               .Help("How long the request that came first in a batch waited for the model.")
                               .Register(*registry_)),
      infer_batch_size_(prometheus::BuildHistogram()
                            .Name("mae_infer_batch_size")
                            .Help("Images that a model ran at once.")
                            .Register(*registry_)),
      cache_hits_(prometheus::BuildCounter()
                      .Name("mae_response_cache_hits_total")
                      .Help("Requests that got the answer of an earlier one that was the same.")
                      .Register(*registry_)),
      cache_misses_(prometheus::BuildCounter()
                        .Name("mae_response_cache_misses_total")
                        .Help("Requests that found no such answer and were run.")
                        .Register(*registry_)) {
  prometheus::BuildGauge()
      .Name("mae_build_info")
      .Help("Always 1; the labels tell the version.")
      .Register(*registry_)
      .Add({{"version", version}})
      .Set(1);
}

prometheus::Labels Metrics::Named(std::string_view model, int64_t version) {
  const std::pair key(std::string(model), version);
  const absl::MutexLock lock(&mutex_);
  if (named_.size() < kMostVersions) named_.insert(key);
  if (!named_.contains(key)) return {{"model", "other"}, {"version", ""}};
  return {{"model", key.first}, {"version", version == 0 ? "" : absl::StrCat(version)}};
}

void Metrics::CountEnd(const std::string& service, const std::string& method, absl::StatusCode code) {
  handled_
      .Add(
          {{"grpc_service", service}, {"grpc_method", method}, {"grpc_code", absl::StatusCodeToString(code)}})
      .Increment();
}

void Metrics::RecordCall(const std::string& service, const std::string& method, absl::StatusCode code,
                         absl::Duration duration) {
  CountEnd(service, method, code);
  handling_seconds_.Add({{"grpc_service", service}, {"grpc_method", method}}, kBuckets)
      .Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::Record(std::string_view model, int64_t version, std::string_view method, absl::StatusCode code,
                     absl::Duration duration) {
  prometheus::Labels labels = Named(model, version);
  labels["method"] = std::string(method);
  infer_seconds_.Add(labels, kBuckets).Observe(absl::ToDoubleSeconds(duration));
  prometheus::Labels with_code = labels;
  with_code["code"] = absl::StatusCodeToString(code);
  infer_requests_.Add(with_code).Increment();
}

void Metrics::RecordBatch(std::string_view model, int64_t version, const BatchRecord& batch) {
  const prometheus::Labels labels = Named(model, version);
  infer_queue_seconds_.Add(labels, kBuckets).Observe(absl::ToDoubleSeconds(batch.queued));
  infer_batch_size_.Add(labels, kBatchBuckets).Observe(static_cast<double>(batch.images));
}

void Metrics::RecordLookup(std::string_view model, int64_t version, const CacheLookup& lookup) {
  (lookup.hit ? cache_hits_ : cache_misses_).Add(Named(model, version)).Increment();
}

}  // namespace mae
