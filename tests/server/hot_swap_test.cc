// An alias that moves while the model is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "server/inference_service.h"
#include "server/model_service.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

/// What a call by alias gave.
struct Answered {
  std::string version;  ///< that it says to be of
  std::vector<float> logits;
};

/// Two versions of one classifier behind the alias prod, asked by both protocols.
class HotSwapTest : public OipTest {
 protected:
  HotSwapTest() {
    models_.Publish("cats", TinyClassifier(3), {"prod"});
    for (int64_t version = 1; version <= 2; ++version) {
      const auto alone = Ask("cats/versions/" + std::to_string(version), /*by_oip=*/false);
      EXPECT_EQ(alone.version, std::to_string(version));
      logits_.push_back(alone.logits);
    }
    EXPECT_NE(logits_[0], logits_[1]) << "two versions that nobody could tell apart";
  }

  Answered Ask(const std::string& model, bool by_oip) { return by_oip ? AskByOip(model) : AskByMae(model); }

  void Move(int64_t version) {
    v1::SetAliasRequest request;
    request.set_name("models/cats");
    request.set_alias("prod");
    request.set_version(version);
    v1::Model model;
    const auto status = models_stub_->SetAlias(Patience().get(), request, &model);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  /// Asks until `over_`, and holds each answer against what its version gives alone.
  void AskUntilOver(bool by_oip) {
    while (true) {
      const Answered answer = Ask("cats@prod", by_oip);
      const absl::MutexLock lock(&mutex_);
      const size_t version = answer.version == "1" ? 0 : answer.version == "2" ? 1 : 2;
      EXPECT_LT(version, 2u) << "'" << answer.version << "'";
      if (version < 2) {
        EXPECT_EQ(answer.logits, logits_[version]) << "is not of version " << answer.version;
      }
      ++answers_;
      if (over_ || HasFailure()) return;
    }
  }

  /// Waits until so many more answers have come. False: something failed.
  bool AwaitAnswers(int64_t more) {
    const absl::MutexLock lock(&mutex_);
    const int64_t wanted = answers_ + more;
    const auto reached = [&] {
      mutex_.AssertReaderHeld();
      return answers_ >= wanted || HasFailure();
    };
    mutex_.Await(absl::Condition(&reached));
    return !HasFailure();
  }

  void End() {
    const absl::MutexLock lock(&mutex_);
    over_ = true;
  }

 private:
  Answered AskByMae(const std::string& model) {
    v1::ClassifyRequest request;
    request.set_model(model);
    request.set_logits(true);
    *request.add_images() = PngImage(8, 12, 3);
    v1::ClassifyResponse response;
    const auto status = inference_stub_->Classify(Patience().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (!status.ok()) return {};
    const std::string& version = response.model_version();
    const auto& logits = response.classifications(0).logits();
    return {version.substr(version.rfind('/') + 1), {logits.begin(), logits.end()}};
  }

  Answered AskByOip(const std::string& model) {
    auto request = PngRequest(model.substr(0, model.find('@')));
    request.set_model_version(model.substr(model.find('@') + 1));
    const auto response = MustInfer(request);
    return {response.model_version(), ValuesOf<float>(response, "logits")};
  }

  InferenceService inference_{models_.requests, models_.queue};
  ModelTransfers transfers_{*models_.store, models_.data / "transfers",
                            [](const std::string&) { return Curves(); }};
  ModelService models_service_{*models_.store, models_.queue, models_.queue, transfers_,
                               [](const std::string&) { return std::vector<std::string>(); }};
  GrpcHost own_host_{&inference_, &models_service_};
  std::unique_ptr<v1::InferenceService::Stub> inference_stub_ =
      v1::InferenceService::NewStub(own_host_.channel());
  std::unique_ptr<v1::ModelService::Stub> models_stub_ = v1::ModelService::NewStub(own_host_.channel());
  std::vector<std::vector<float>> logits_;  // of version i + 1
  absl::Mutex mutex_;
  int64_t answers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST_F(HotSwapTest, NoRequestFailsAndEachAnswerIsWhollyOfTheVersionItNames) {
  constexpr int kCallers = 6, kSwaps = 40;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) callers.emplace_back([this, i] { AskUntilOver(i % 2 == 0); });
  for (int swap = 0; swap < kSwaps && AwaitAnswers(kCallers); ++swap) {
    const int64_t version = 1 + swap % 2;
    Move(version);
    EXPECT_EQ(Ask("cats@prod", swap % 4 < 2).version, std::to_string(version)) << "asked after the move";
  }
  End();
  for (auto& caller : callers) caller.join();
}

}  // namespace
}  // namespace mae
