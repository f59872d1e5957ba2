#include "server/oip_parameters.h"

#include <functional>
#include <limits>
#include <mutex>
#include <thread>

#include "absl/synchronization/notification.h"
#include "server/oip_infer.h"
#include "server/status_to_grpc.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;

using OipParametersTest = OipTest;

TEST_F(OipParametersTest, ParametersComeInEveryTypeThatIsThatNumber) {
  using Parameter = inference::InferParameter;
  Parameter as_int, as_uint, as_double, as_text;
  as_int.set_int64_param(2);
  as_uint.set_uint64_param(2);
  as_double.set_double_param(2);
  as_text.set_string_param("2");
  for (const Parameter& parameter : {as_int, as_uint, as_double, as_text}) {
    auto request = PngRequest("cats");
    (*request.mutable_parameters())["top_k"] = parameter;
    EXPECT_THAT(ShapeOf(MustInfer(request), "top_indices"), ElementsAre(1, 2));
  }
  Parameter fraction, text, truth, huge, below;
  fraction.set_double_param(2.5);
  text.set_string_param("two");
  truth.set_bool_param(true);
  huge.set_uint64_param(std::numeric_limits<uint64_t>::max());
  below.set_int64_param(-1);
  for (const Parameter& parameter : {fraction, text, truth, huge, below}) {
    auto request = PngRequest("cats");
    (*request.mutable_parameters())["top_k"] = parameter;
    ExpectRefused(Refusal(request), "top_k", "");
  }
}

TEST_F(OipParametersTest, UnknownParametersAreRefusedAndReservedOnesAreNot) {
  auto request = PngRequest("cats");
  for (const char* name :
       {"sequence_id", "sequence_start", "triton_enable_empty_final_response", "headers"}) {
    SetInt(request, name, 1);
  }
  (*request.mutable_parameters())["binary_data_output"].set_bool_param(true);
  (*request.mutable_parameters())["priority"].set_uint64_param(1);
  SetInt(request, "timeout", 60000000);
  MustInfer(request);
  SetInt(request, "topk", 1);
  ExpectRefused(Refusal(request), "parameters", "\"topk\"; it has top_k");
}

TEST_F(OipParametersTest, TimeoutAndPriorityAreHeld) {
  auto request = PngRequest("cats");
  SetInt(request, "timeout", -1);
  ExpectRefused(Refusal(request), "timeout", "below 0");
  SetInt(request, "timeout", 1);  // over before the pictures are decoded
  EXPECT_EQ(Refusal(request).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  SetInt(request, "timeout", 0);
  SetInt(request, "priority", 11);
  ExpectRefused(Refusal(request), "priority", "1..10");
}

/// Notes by whom it was asked.
class NotingPredictor final : public Predictor {
 public:
  const ModelConfig& config() const override { return config_; }
  absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(const std::vector<PredictorInput>&,
                                                                const ReconstructOptions&,
                                                                const RequestContext&) const override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<std::vector<float>>> Classify(const std::vector<PredictorInput>&,
                                                           const RequestContext& context) const override {
    asked = context;
    if (is_full) return absl::ResourceExhaustedError("4096 images wait for this model");
    return std::vector<std::vector<float>>{{1, 2, 3}};
  }
  absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>&, const EmbedOptions&,
                                    const RequestContext&) const override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<AttentionMaps> Attention(const std::vector<PredictorInput>&, bool,
                                          const RequestContext&) const override {
    return absl::UnimplementedError("");
  }

  mutable RequestContext asked;
  bool is_full = false;

 private:
  const ModelConfig config_ = TinyClassifier(3);
};

class OnePredictor final : public ModelStore {
 public:
  absl::StatusOr<PublishedModel> Publish(const std::filesystem::path&, const std::string&,
                                         const AliasWish&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::shared_ptr<const ModelVersion>> Find(const std::string&) const override {
    if (on_find) on_find();
    auto version = std::make_shared<ModelVersion>();
    version->model = "cats";
    version->version = 1;
    version->config = predictor->config();
    return version;
  }
  absl::StatusOr<ModelRecord> Get(const std::string&) const override { return absl::UnimplementedError(""); }
  absl::StatusOr<std::vector<ModelRecord>> List() const override { return std::vector<ModelRecord>(); }
  absl::StatusOr<std::shared_ptr<const Predictor>> PredictorOf(const ModelVersion&) override {
    if (!load.ok()) return load;
    return predictor;
  }
  absl::Status SetAlias(const std::string&, const std::string&, int64_t, const RequestContext&) override {
    return absl::UnimplementedError("");
  }
  absl::Status Delete(const std::string&, int64_t) override { return absl::UnimplementedError(""); }
  absl::StatusOr<ModelVersion> Load(const std::string& name, std::optional<bool>,
                                    const RequestContext&) override {
    return Resolve(name);
  }
  absl::StatusOr<ModelVersion> Unload(const std::string& name, const RequestContext&) override {
    return Resolve(name);
  }
  bool IsLoaded(const ModelVersion&) const override { return true; }
  bool IsPinned(const ModelVersion&) const override { return false; }
  std::vector<InMemory> Loaded() const override { return {}; }
  int64_t CachedBytes() const override { return 0; }

  const std::shared_ptr<NotingPredictor> predictor = std::make_shared<NotingPredictor>();
  absl::Status load;                        ///< what becomes of it
  std::function<void()> on_find = nullptr;  ///< called from several threads
};

TEST(OipRequestContext, WhatPassesIsRefusedWithWhenToTryAgain) {
  for (const bool loads : {true, false}) {
    OnePredictor store;
    store.predictor->is_full = true;
    if (!loads) store.load = absl::ResourceExhaustedError("loading cats: out of memory");
    NotedMetrics metrics;
    InferStatistics statistics(metrics);
    ModelRequests requests(store, statistics, {});
    inference::ModelInferResponse response;
    ExpectTryAgain(ToGrpc(AnswerModelInfer(requests, {}, PngRequest("cats"), response)));
  }
}

TEST(OipRequestContext, PriorityAndTimeoutReachTheModel) {
  OnePredictor store;
  NotedMetrics metrics;
  InferStatistics statistics(metrics);
  ModelRequests requests(store, statistics, {});
  const absl::Time soon = absl::Now() + absl::Hours(1);
  const auto asked = [&](int64_t priority, absl::Duration timeout) {
    auto request = PngRequest("cats");
    SetInt(request, "priority", priority);
    SetInt(request, "timeout", absl::ToInt64Microseconds(timeout));
    inference::ModelInferResponse response;
    EXPECT_THAT(AnswerModelInfer(requests, {.deadline = soon}, request, response), IsOk());
    return store.predictor->asked;
  };
  EXPECT_EQ(asked(0, absl::ZeroDuration()).priority, 0);
  EXPECT_LT(asked(1, absl::ZeroDuration()).priority, 0);
  EXPECT_EQ(asked(5, absl::ZeroDuration()).priority, 0);
  EXPECT_GT(asked(10, absl::ZeroDuration()).priority, asked(9, absl::ZeroDuration()).priority);
  EXPECT_EQ(asked(0, absl::ZeroDuration()).deadline, soon);
  EXPECT_EQ(asked(0, absl::Hours(2)).deadline, soon);
  EXPECT_LT(asked(0, absl::Minutes(30)).deadline, soon);
}

TEST(OipRequestContext, ATimeoutBeginsWhenTheRequestCameAndNotWhenAThreadTakesIt) {
  constexpr absl::Duration kTimeout = absl::Seconds(30);
  OnePredictor store;
  NotedMetrics metrics;
  InferStatistics statistics(metrics);
  ModelRequests requests(store, statistics, {});
  WorkQueue queue(1, 16);
  OipService service(requests, queue, queue, {"1.2.3", {}, [] { return true; }});
  const GrpcHost host{&service};
  absl::Notification thread_is_free, came;
  ASSERT_TRUE(queue.TryPush([&] { thread_is_free.WaitForNotification(); }));
  std::once_flag once;
  store.on_find = [&] { std::call_once(once, [&] { came.Notify(); }); };  // to be admitted, before the queue
  auto request = PngRequest("cats");
  SetInt(request, "timeout", absl::ToInt64Microseconds(kTimeout));
  grpc::Status status;
  std::thread caller([&] {
    inference::ModelInferResponse response;
    status = inference::GRPCInferenceService::NewStub(host.channel())
                 ->ModelInfer(Patience().get(), request, &response);
  });
  const bool has_come = came.WaitForNotificationWithTimeout(kTimeout);
  const absl::Time latest = absl::Now() + kTimeout;
  thread_is_free.Notify();
  caller.join();
  EXPECT_TRUE(has_come);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_LE(store.predictor->asked.deadline, latest);
}

TEST(OipRequestContext, WhatWaitedLongerThanItsTimeoutIsNotDecoded) {
  OnePredictor store;
  NotedMetrics metrics;
  InferStatistics statistics(metrics);
  ModelRequests requests(store, statistics, {});
  inference::ModelInferRequest request;
  request.set_model_name("cats");
  AddRaw("images", "BYTES", {1}, RawTexts({"no picture"}), request);
  SetInt(request, "timeout", 1'000'000);
  inference::ModelInferResponse response;
  EXPECT_THAT(AnswerModelInfer(requests, {.came = absl::Now() - absl::Seconds(2)}, request, response),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace mae
