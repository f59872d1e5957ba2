// The response cache as both protocols see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/inference_service.h"
#include "server/model_metrics.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

class CachedAnswersTest : public testing::Test {
 protected:
  CachedAnswersTest() { models_.Publish("cats", TinyClassifier(3)); }

  v1::ClassifyResponse Classify(uint8_t value = 90) {
    v1::ClassifyRequest request;
    request.set_model("cats");
    request.set_logits(true);
    *request.add_images() = PngImage(8, 12, 3, value);
    v1::ClassifyResponse response;
    EXPECT_TRUE(stub_->Classify(Patience().get(), request, &response).ok());
    return response;
  }

  inference::ModelStatistics Statistics() {
    inference::ModelStatisticsRequest request;
    request.set_name("cats");
    inference::ModelStatisticsResponse response;
    EXPECT_TRUE(oip_stub_->ModelStatistics(Patience().get(), request, &response).ok());
    return response.model_stats_size() > 0 ? response.model_stats(0) : inference::ModelStatistics();
  }

  ServedModels models_{/*kept_bytes=*/1 << 20};
  InferenceService service_{models_.requests, models_.queue};
  OipService oip_{models_.requests, models_.queue, models_.queue, {"1.2.3", {}, [] { return true; }}};
  GrpcHost host_{&service_, &oip_};
  std::unique_ptr<v1::InferenceService::Stub> stub_ = v1::InferenceService::NewStub(host_.channel());
  std::unique_ptr<inference::GRPCInferenceService::Stub> oip_stub_ =
      inference::GRPCInferenceService::NewStub(host_.channel());
};

TEST_F(CachedAnswersTest, BothProtocolsShareWhatWasAnsweredAndCountIt) {
  const auto first = Classify();
  EXPECT_EQ(Classify().SerializeAsString(), first.SerializeAsString()) << "bit for bit";
  inference::ModelInferResponse by_oip;
  ASSERT_TRUE(oip_stub_->ModelInfer(Patience().get(), PngRequest("cats"), &by_oip).ok());
  const auto logits = ValuesOf<float>(by_oip, "logits");
  EXPECT_THAT(logits, testing::ElementsAreArray(first.classifications(0).logits()));
  Classify(/*value=*/91);
  const auto statistics = Statistics();
  EXPECT_EQ(statistics.inference_stats().cache_hit().count(), 2u);
  EXPECT_EQ(statistics.inference_stats().cache_miss().count(), 2u);
  EXPECT_GT(statistics.inference_stats().cache_hit().ns(), 0u);
  EXPECT_EQ(statistics.inference_stats().success().count(), 4u);
  EXPECT_EQ(statistics.inference_stats().compute_infer().count(), 2u) << "hits did not run";
  EXPECT_EQ(statistics.execution_count(), 2u);
}

TEST_F(CachedAnswersTest, AVersionsAnswersGoWhenItIsUnloaded) {
  const auto first = Classify();
  EXPECT_GT(models_.store->CachedBytes(), 0);
  ASSERT_THAT(models_.store->Unload("cats", {}), IsOk());
  EXPECT_EQ(models_.store->CachedBytes(), 0);
  EXPECT_EQ(Classify().SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(Statistics().inference_stats().cache_miss().count(), 2u);
}

TEST_F(CachedAnswersTest, ANewVersionHasNoAnswersOfTheOld) {
  const auto first = Classify();
  models_.Publish("cats", TinyClassifier(3));
  const auto second = Classify();
  EXPECT_EQ(second.model_version(), "models/cats/versions/2");
  EXPECT_NE(second.classifications(0).SerializeAsString(), first.classifications(0).SerializeAsString());
  ASSERT_THAT(models_.store->Delete("cats", 1), IsOk());
  const int64_t of_second = models_.store->CachedBytes();
  EXPECT_GT(of_second, 0);
  ASSERT_THAT(models_.store->Unload("cats", {}), IsOk());
  EXPECT_EQ(models_.store->CachedBytes(), 0);
}

TEST_F(CachedAnswersTest, WhatTheyTakeIsScraped) {
  Classify();
  const auto families = ModelMetrics(*models_.store).Collect();
  const auto family = std::find_if(families.begin(), families.end(), [](const auto& found) {
    return found.name == "mae_response_cache_bytes";
  });
  ASSERT_NE(family, families.end());
  EXPECT_EQ(family->metric.at(0).gauge.value, static_cast<double>(models_.store->CachedBytes()));
}

}  // namespace
}  // namespace mae
