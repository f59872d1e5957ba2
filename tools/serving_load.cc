// Loads a running server with calls that classify, or runs the same model without a server, and prints what
// it reached as a line of numbers. tools/bench-serving runs it.
#include <grpcpp/grpcpp.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "inference/grpc_service.grpc.pb.h"
#include "mae/v1/inference.grpc.pb.h"
#include "serving/predictor.h"
#include "tools/trial_images.h"

namespace mae {
namespace {

const std::map<std::string, InferencePrecision> kPrecisions = {{"auto", InferencePrecision::kAuto},
                                                               {"bf16", InferencePrecision::kBf16},
                                                               {"fp32", InferencePrecision::kFp32},
                                                               {"int8", InferencePrecision::kInt8}};

struct Settings {
  InferencePrecision precision = InferencePrecision::kFp32;
  std::string server = "127.0.0.1:8500", model, folder, make;
  int64_t concurrency = 1, batch = 1, side = 32;
  double seconds = 10, warm_up = 2, deadline = 60;
  bool png = false, open_inference = false;
};

/// The calls of mae.v1.
struct MaeCall {
  using Service = v1::InferenceService;
  using Request = v1::ClassifyRequest;
  using Response = v1::ClassifyResponse;

  static Request RequestAt(int64_t index, const Settings& settings) {
    Request request;
    request.set_model(settings.model);
    for (int64_t i = 0; i < settings.batch; ++i) {
      const Picture picture = TrialPicture(index * settings.batch + i, settings.side);
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
  static void Start(Service::Stub& stub, grpc::ClientContext& context, const Request& request,
                    Response& response, std::function<void(grpc::Status)> ended) {
    stub.async()->Classify(&context, &request, &response, std::move(ended));
  }
};

/// Those of the Open Inference Protocol, which other servers answer too.
struct OpenInferenceCall {
  using Service = inference::GRPCInferenceService;
  using Request = inference::ModelInferRequest;
  using Response = inference::ModelInferResponse;

  static Request RequestAt(int64_t index, const Settings& settings) {
    Request request;
    request.set_model_name(settings.model);
    auto& input = *request.add_inputs();
    input.set_name(settings.png ? "images" : "pixels");
    input.set_datatype(settings.png ? "BYTES" : "UINT8");
    input.add_shape(settings.batch);
    if (!settings.png) {
      for (const int64_t size : {settings.side, settings.side, int64_t{3}}) input.add_shape(size);
    }
    auto& contents = *request.add_raw_input_contents();
    for (int64_t i = 0; i < settings.batch; ++i) {
      const Picture picture = TrialPicture(index * settings.batch + i, settings.side);
      contents += settings.png ? Lengthed(*EncodePng(picture))
                               : std::string(picture.pixels.begin(), picture.pixels.end());
    }
    request.add_outputs()->set_name("logits");
    return request;
  }
  static void Start(Service::Stub& stub, grpc::ClientContext& context, const Request& request,
                    Response& response, std::function<void(grpc::Status)> ended) {
    stub.async()->ModelInfer(&context, &request, &response, std::move(ended));
  }

 private:
  // As the protocol has BYTES: the length, 32 bits little-endian, and the bytes.
  static std::string Lengthed(const std::string& bytes) {
    std::string contents;
    for (int shift = 0; shift < 32; shift += 8) contents += static_cast<char>(bytes.size() >> shift);
    return contents + bytes;
  }
};

/// Latencies of the calls that ended after the warm-up and within the time, and how many were refused.
class Reached {
 public:
  explicit Reached(const Settings& settings)
      : from_(absl::Now() + absl::Seconds(settings.warm_up)),
        until_(from_ + absl::Seconds(settings.seconds)) {}

  bool IsOver() const { return absl::Now() >= until_; }
  void Note(absl::Time began, const grpc::Status& status) {
    const absl::Time now = absl::Now();
    const absl::MutexLock lock(&mutex_);
    if (now < from_ || now > until_) return;
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
template <typename Call>
class Caller {
 public:
  Caller(const Settings& settings, typename Call::Service::Stub& stub, Reached& reached, int64_t number)
      : settings_(settings), stub_(stub), reached_(reached) {
    for (int64_t i = 0; i < kRequests; ++i) {
      requests_.push_back(Call::RequestAt(number * kRequests + i, settings));
    }
  }

  void Start() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(settings_.deadline)));
    began_ = absl::Now();
    Call::Start(stub_, *context_, requests_[next_++ % kRequests], response_,
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
  typename Call::Service::Stub& stub_;
  Reached& reached_;
  std::vector<typename Call::Request> requests_;
  size_t next_ = 0;
  std::unique_ptr<grpc::ClientContext> context_;
  typename Call::Response response_;
  absl::Time began_;
  absl::Mutex mutex_;
  bool ended_ = false;
};

template <typename Call>
void LoadServer(const Settings& settings) {
  const auto channel = grpc::CreateChannel(settings.server, grpc::InsecureChannelCredentials());
  const auto stub = Call::Service::NewStub(channel);
  std::vector<std::unique_ptr<Caller<Call>>> callers;
  Reached reached(settings);
  for (int64_t i = 0; i < settings.concurrency; ++i) {
    callers.push_back(std::make_unique<Caller<Call>>(settings, *stub, reached, i));
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
  for (int64_t i = 0; i < settings.batch; ++i) inputs.push_back(TrialPicture(i, settings.side));
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

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Loads a server with calls that classify");
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
  app.add_flag("--open-inference", settings.open_inference,
               "Call ModelInfer of the Open Inference Protocol instead of mae.v1's Classify");
  app.add_option("--precision", settings.precision,
                 "With --folder: fp32 (LibTorch's modules), auto, bf16 or int8")
      ->transform(CLI::CheckedTransformer(kPrecisions));
  CLI11_PARSE(app, argc, argv);
  if (!settings.make.empty()) {
    MakeTrialModel(settings.make, /*seed=*/1);
    return 0;
  }
  if (settings.folder.empty()) {
    settings.open_inference ? LoadServer<OpenInferenceCall>(settings) : LoadServer<MaeCall>(settings);
    return 0;
  }
  const absl::Status status = RunModel(settings);
  if (!status.ok()) absl::FPrintF(stderr, "%s\n", status.ToString());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace mae

int main(int argc, char** argv) { return mae::Main(argc, argv); }
