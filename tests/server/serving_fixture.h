#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/sqlite.h"
#include "base/work_queue.h"
#include "image/codec.h"
#include "mae/v1/inference.pb.h"
#include "server/infer_metrics.h"
#include "server/model_requests.h"
#include "serving/model_store.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {

/// Notes what it is told: "model/version method CODE".
class NotedMetrics : public InferMetrics {
 public:
  void Record(std::string_view model, int64_t version, std::string_view method, absl::StatusCode code,
              absl::Duration) override {
    const absl::MutexLock lock(&mutex_);
    records_.push_back(std::string(model) + "/" + std::to_string(version) + " " + std::string(method) + " " +
                       absl::StatusCodeToString(code));
  }
  void RecordBatch(std::string_view, int64_t, const BatchRecord&) override {}
  void RecordLookup(std::string_view, int64_t, const CacheLookup&) override {}
  std::vector<std::string> records() {
    const absl::MutexLock lock(&mutex_);
    return records_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> records_ ABSL_GUARDED_BY(mutex_);
};

/// A data folder with a store of small random models; requests have at most 4 images of 10000 pixels.
struct ServedModels {
  /// @param kept_bytes of the cache of answers; 0: none.
  explicit ServedModels(int64_t kept_bytes = 0) : cache_bytes(kept_bytes) {}

  const int64_t cache_bytes;
  TempFolder data;
  absl::Mutex mutex;
  std::unique_ptr<Database> database = *Database::Open(data / "mae.db", Database::Mode::kReadWrite);
  NotedMetrics metrics;
  InferStatistics statistics{metrics};
  std::unique_ptr<ModelStore> store = *ModelStore::Create(*database, mutex, data / "models", Options());
  ModelRequests requests{*store, statistics, {/*max_images_per_request=*/4, /*max_image_pixels=*/10000}};
  WorkQueue queue{2, 16};

  void Publish(const std::string& model, const ModelConfig& config,
               const std::vector<std::string>& aliases = {}) {
    ModelCard card;
    card.job = "jobs/" + std::to_string(++published_);
    card.recipe = "tiny";
    card.metrics = {{"loss", 0.5}};
    WriteRandomModel(data / "export", config, card, static_cast<uint64_t>(published_));
    ASSERT_THAT(store->Publish(data / "export", model, {aliases, ""}), IsOk());
  }

 private:
  ServingOptions Options() {
    ServingOptions options;
    options.cache_bytes = cache_bytes;
    options.on_lookup = [this](const std::string& model, int64_t version, const CacheLookup& lookup) {
      statistics.RecordLookup(model, version, lookup);
    };
    options.on_batch = [this](const std::string& model, int64_t version, const BatchRecord& batch) {
      statistics.RecordBatch(model, version, batch);
    };
    return options;
  }

  int published_ = 0;
};

/// A flat picture as PNG.
inline v1::Image PngImage(int64_t height, int64_t width, int64_t channels, uint8_t value = 90) {
  Picture picture{height, width, channels, {}};
  picture.pixels.assign(static_cast<size_t>(height * width * channels), value);
  v1::Image image;
  image.set_encoded(*EncodePng(picture));
  return image;
}

inline v1::Image RawImage(v1::RawImage::DataType type, const std::vector<int32_t>& shape,
                          const std::string& data) {
  v1::Image image;
  image.mutable_raw()->set_data_type(type);
  image.mutable_raw()->mutable_shape()->Assign(shape.begin(), shape.end());
  image.mutable_raw()->set_data(data);
  return image;
}

}  // namespace mae
