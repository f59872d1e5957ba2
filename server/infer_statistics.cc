#include "server/infer_statistics.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace mae {
namespace {

// So many images make all of what an image is taken to cost.
constexpr double kImages = 64;

void Follow(const BatchRecord& batch, absl::Duration& image_time) {
  const absl::Duration newest = batch.ran / batch.images;
  const bool first = image_time == absl::ZeroDuration();
  image_time +=
      (newest - image_time) * (first ? 1.0 : std::min(1.0, static_cast<double>(batch.images) / kImages));
}

}  // namespace

void InferStatistics::Record(std::string_view model, int64_t version, std::string_view method,
                             absl::StatusCode code, absl::Duration duration) {
  if (version != 0) {
    const absl::MutexLock lock(&mutex_);
    ModelCounts& counts = counts_[{std::string(model), version}];
    (code == absl::StatusCode::kOk ? counts.success : counts.fail).Add(1, duration);
    counts.last_request = absl::Now();
  }
  next_.Record(model, version, method, code, duration);
}

void InferStatistics::RecordBatch(std::string_view model, int64_t version, const BatchRecord& batch) {
  {
    const absl::MutexLock lock(&mutex_);
    ModelCounts& counts = counts_[{std::string(model), version}];
    counts.queue.Add(batch.requests, batch.queued_together);
    counts.infer.Add(batch.requests, batch.ran * batch.requests);
    counts.images += batch.images;
    counts.batches += 1;
    if (batch.images > 0) Follow(batch, counts.image_time);
  }
  next_.RecordBatch(model, version, batch);
}

void InferStatistics::RecordLookup(std::string_view model, int64_t version, const CacheLookup& lookup) {
  {
    const absl::MutexLock lock(&mutex_);
    ModelCounts& counts = counts_[{std::string(model), version}];
    (lookup.hit ? counts.hit : counts.miss).Add(1, lookup.took);
  }
  next_.RecordLookup(model, version, lookup);
}

void InferStatistics::RecordPhases(std::string_view model, int64_t version, absl::Duration input,
                                   absl::Duration output) {
  const absl::MutexLock lock(&mutex_);
  ModelCounts& counts = counts_[{std::string(model), version}];
  counts.input.Add(1, input);
  counts.output.Add(1, output);
}

ModelCounts InferStatistics::Of(const std::string& model, int64_t version) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = counts_.find({model, version});
  return it == counts_.end() ? ModelCounts() : it->second;
}

absl::Duration InferStatistics::ImageTime(const std::string& model, int64_t version) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = counts_.find({model, version});
  return it == counts_.end() ? absl::ZeroDuration() : it->second.image_time;
}

std::map<InferStatistics::Key, ModelCounts> InferStatistics::All() const {
  const absl::MutexLock lock(&mutex_);
  return counts_;
}

}  // namespace mae
