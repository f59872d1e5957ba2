// Loads a running mae_server with Classify calls, or runs the same model without a server, and prints what it
// reached as a line of numbers. tools/bench-serving runs it.
#include <grpcpp/grpcpp.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "image/codec.h"
#include "mae/v1/inference.grpc.pb.h"
#include "serving/predictor.h"
#include "tests/fakes/random_model.h"

namespace mae {
namespace {

struct Settings {
  std::string server = "127.0.0.1:8500", model, folder, make;
  int64_t concurrency = 1, batch = 1, side = 32;
  double seconds = 10, warm_up = 2, deadline = 60;
  bool png = false;
  std::map<std::string, InferencePrecision> precisions = {{"auto", InferencePrecision::kAuto},
                                                          {"fp32", InferencePrecision::kFp32},
                                                          {"int8", InferencePrecision::kInt8}};
  InferencePrecision precision = InferencePrecision::kFp32;
};

/// Different for each index: a response cache must not help.
Picture PictureAt(int64_t index, int64_t side) {
  Picture picture;
  picture.height = picture.width = side;
  picture.channels = 3;
  picture.pixels.resize(static_cast<size_t>(side * side * 3));
  uint64_t state = static_cast<uint64_t>(index) * 2654435761u + 1;
  for (auto& pixel : picture.pixels) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    pixel = static_cast<uint8_t>(state >> 56);
  }
  return picture;
}

v1::ClassifyRequest RequestAt(int64_t index, const Settings& settings) {
  v1::ClassifyRequest request;
  request.set_model(settings.model);
  for (int64_t i = 0; i < settings.batch; ++i) {
    const Picture picture = PictureAt(index * settings.batch + i, settings.side);
    auto& image = *request.add_images();
    if (settings.png) {
      image.set_encoded(*EncodePng(picture));
      continue;
    }
    auto& raw = *image.mutable_raw();
    raw.set_data_type(v1::RawImage::UINT8_HWC);
    for (const int64_t size : {picture.height, picture.width, picture.channels})
      raw.add_shape(static_cast<int32_t>(size));
    raw.set_data(picture.pixels.data(), picture.pixels.size());
  }
  return request;
}

/// Latencies of the calls that began once the warm-up was over, and how many were refused.
class Reached {
 public:
  explicit Reached(const Settings& settings)
      : from_(absl::Now() + absl::Seconds(settings.warm_up)),
        until_(from_ + absl::Seconds(settings.seconds)) {}

  bool IsOver() const { return absl::Now() >= until_; }
  void Note(absl::Time began, const grpc::Status& status) {
    const absl::Time now = absl::Now();
    const absl::MutexLock lock(&mutex_);
    if (began < from_ || now > until_) return;
    auto& latencies = status.ok() ? answered_ : refused_;
    latencies.push_back(absl::ToDoubleMilliseconds(now - began));
    if (!status.ok()) last_error_ = status.error_message();
  }
  void Print(const Settings& settings) {
    const absl::MutexLock lock(&mutex_);
    std::sort(answered_.begin(), answered_.end());
    std::sort(refused_.begin(), refused_.end());
    const double images = static_cast<double>(answered_.size()) * static_cast<double>(settings.batch);
    absl::PrintF(
        "concurrency %d  images/s %.1f  p50 %.2f ms  p95 %.2f ms  p99 %.2f ms  refused %d (p99 %.2f ms)\n",
        settings.concurrency, images / settings.seconds, At(answered_, 0.5), At(answered_, 0.95),
        At(answered_, 0.99), refused_.size(), At(refused_, 0.99));
    if (!last_error_.empty()) absl::FPrintF(stderr, "%s\n", last_error_);
  }

 private:
  static double At(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return 0;
    return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
  }

  const absl::Time from_, until_;
  absl::Mutex mutex_;
  std::vector<double> answered_, refused_;
  std::string last_error_;
};

/// One call at a time, again and again: `concurrency` of them load the server.
class Caller {
 public:
  Caller(const Settings& settings, v1::InferenceService::Stub& stub, Reached& reached, int64_t number)
      : settings_(settings), stub_(stub), reached_(reached) {
    for (int64_t i = 0; i < kRequests; ++i) requests_.push_back(RequestAt(number * kRequests + i, settings));
  }

  void Start() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(settings_.deadline)));
    began_ = absl::Now();
    stub_.async()->Classify(context_.get(), &requests_[next_++ % kRequests], &response_,
                            [this](const grpc::Status& status) { Ended(status); });
  }
  void Wait() {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&ended_));
  }

 private:
  static constexpr int64_t kRequests = 16;

  void Ended(const grpc::Status& status) {
    reached_.Note(began_, status);
    if (!reached_.IsOver()) return Start();
    const absl::MutexLock lock(&mutex_);
    ended_ = true;
  }

  const Settings& settings_;
  v1::InferenceService::Stub& stub_;
  Reached& reached_;
  std::vector<v1::ClassifyRequest> requests_;
  size_t next_ = 0;
  std::unique_ptr<grpc::ClientContext> context_;
  v1::ClassifyResponse response_;
  absl::Time began_;
  absl::Mutex mutex_;
  bool ended_ = false;
};

void LoadServer(const Settings& settings) {
  const auto channel = grpc::CreateChannel(settings.server, grpc::InsecureChannelCredentials());
  const auto stub = v1::InferenceService::NewStub(channel);
  std::vector<std::unique_ptr<Caller>> callers;
  Reached reached(settings);
  for (int64_t i = 0; i < settings.concurrency; ++i) {
    callers.push_back(std::make_unique<Caller>(settings, *stub, reached, i));
  }
  for (const auto& caller : callers) caller->Start();
  for (const auto& caller : callers) caller->Wait();
  reached.Print(settings);
}

// The model alone, in this process: the ceiling of what a server can reach.
absl::Status RunModel(const Settings& settings) {
  const auto predictor = Predictor::Load(settings.folder, "cpu", settings.precision);
  if (!predictor.ok()) return predictor.status();
  std::vector<PredictorInput> inputs;
  for (int64_t i = 0; i < settings.batch; ++i) inputs.push_back(PictureAt(i, settings.side));
  Reached reached(settings);
  while (!reached.IsOver()) {
    const absl::Time began = absl::Now();
    const auto answer = (*predictor)->Classify(inputs);
    if (!answer.ok()) return answer.status();
    reached.Note(began, grpc::Status::OK);
  }
  reached.Print(settings);
  return absl::OkStatus();
}

// A ViT-Tiny/4 for 32 x 32 pixels and ten classes, with random weights.
void MakeModel(const std::string& folder) {
  VisionTransformerOptions options;
  options.encoder.image_height = options.encoder.image_width = 32;
  options.encoder.patch_size = 4;
  options.encoder.channels = 3;
  options.encoder.embed_dim = 192;
  options.encoder.depth = 12;
  options.encoder.num_heads = 3;
  options.num_classes = 10;
  ModelConfig config;
  config.model = options;
  config.mean = config.std_dev = {0.5, 0.5, 0.5};
  WriteRandomModel(folder, config, ModelCard(), 1);
}

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Loads a mae_server with Classify calls");
  app.add_option("--server", settings.server, "HOST:PORT");
  app.add_option("--model", settings.model, "A classifier of the server's");
  app.add_option("--folder", settings.folder, "Instead: run the model in this folder without a server");
  app.add_option("--make", settings.make, "Instead: write a random ViT-Tiny/4 classifier into this folder");
  app.add_option("--concurrency", settings.concurrency, "Calls under way at a time")
      ->check(CLI::PositiveNumber);
  app.add_option("--batch", settings.batch, "Images in a call")->check(CLI::PositiveNumber);
  app.add_option("--side", settings.side, "Pixels a side of an image")->check(CLI::PositiveNumber);
  app.add_option("--seconds", settings.seconds, "Measured time, after the warm-up");
  app.add_option("--warm-up", settings.warm_up, "Seconds before");
  app.add_option("--deadline", settings.deadline, "Seconds that a call may take");
  app.add_flag("--png", settings.png, "Send PNGs instead of pixels");
  app.add_option("--precision", settings.precision, "With --folder: fp32 (LibTorch's modules), auto or int8")
      ->transform(CLI::CheckedTransformer(settings.precisions));
  CLI11_PARSE(app, argc, argv);
  if (!settings.make.empty()) {
    MakeModel(settings.make);
    return 0;
  }
  if (settings.folder.empty()) {
    LoadServer(settings);
    return 0;
  }
  const absl::Status status = RunModel(settings);
  if (!status.ok()) absl::FPrintF(stderr, "%s\n", status.ToString());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace mae

int main(int argc, char** argv) { return mae::Main(argc, argv); }
