#include "server/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/inference_service.h"
#include "server/status_to_grpc.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

// A version whose images take a second each.
BatchRecord Batch(int64_t images) {
  BatchRecord batch;
  batch.images = batch.requests = images;
  batch.ran = absl::Seconds(images);
  return batch;
}

TEST(Admission, SoManyImagesOfAVersionAndNoMore) {
  NotedMetrics metrics;
  InferStatistics statistics(metrics);
  Admission admission({.max_images = 4}, statistics);
  const auto admit = [&](int64_t version, int64_t images) {
    return admission.Admit("m", version, images, absl::InfiniteFuture());
  };
  auto first = admit(1, 3);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(admit(1, 2), StatusIs(StatusCode::kResourceExhausted, HasSubstr("3 images wait")));
  EXPECT_THAT(admit(2, 2), IsOk()) << "each version by itself";
  const auto loads = admission.Loads();
  ASSERT_EQ(loads.size(), 1u) << "that of version 2 has left again";
  EXPECT_EQ(loads.at({"m", 1}).requests, 1);
  EXPECT_EQ(loads.at({"m", 1}).images, 3);
  {
    const auto last = admit(1, 1);
    EXPECT_THAT(last, IsOk());
    EXPECT_THAT(admit(1, 1), StatusIs(StatusCode::kResourceExhausted, HasSubstr("4 may")));
  }
  EXPECT_THAT(admit(1, 1), IsOk()) << "the last has left";
  first->reset();
  EXPECT_THAT(admit(1, 9), IsOk()) << "alone, any request";
}

TEST(Admission, AnAnswerThatWouldComeTooLateIsNotBegun) {
  NotedMetrics metrics;
  InferStatistics statistics(metrics);
  Admission admission({.max_images = 1000, .passes = 2}, statistics);
  const auto admit = [&](int64_t images, absl::Duration patience) {
    return admission.Admit("m", 1, images, absl::Now() + patience);
  };
  const auto unknown = admit(100, absl::Hours(1));
  EXPECT_THAT(admit(1, absl::Minutes(1)), IsOk()) << "nothing is known of the model yet";
  statistics.RecordBatch("m", 1, Batch(64));
  EXPECT_THAT(admit(1, absl::Seconds(30)),
              StatusIs(StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("100 images wait"), HasSubstr("50.5s"), HasSubstr("deadline"))));
  EXPECT_THAT(admit(1, absl::Minutes(2)), IsOk());
  EXPECT_THAT(admit(1, absl::InfiniteDuration()), IsOk());
}

TEST(Admission, ARefusalSaysWhenToTryAgain) {
  NotedMetrics metrics;
  InferStatistics statistics(metrics);
  Admission admission({.max_images = 1}, statistics);
  const auto only = admission.Admit("m", 1, 1, absl::InfiniteFuture());
  const auto refused = admission.Admit("m", 1, 1, absl::InfiniteFuture());
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(ToGrpc(refused.status()).error_details()));
  ASSERT_EQ(details.details_size(), 1);
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(0).UnpackTo(&retry));
  EXPECT_GE(retry.retry_delay().seconds(), 1);
}

/// A full server, asked with pictures that can't be decoded: only who reads them would say so.
class OverloadedServerTest : public OipTest {
 protected:
  OverloadedServerTest() {
    models_.statistics.RecordBatch("cats", 1, Batch(64));
    ahead_ = requests_.Admit(ModelQuery{"cats"}, 4, absl::InfiniteFuture());
    EXPECT_THAT(ahead_, IsOk());
  }

  static std::unique_ptr<grpc::ClientContext> Within(int seconds) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
    return context;
  }

  static v1::ClassifyRequest Undecodable(int images) {
    v1::ClassifyRequest request;
    request.set_model("cats");
    for (int i = 0; i < images; ++i) request.add_images()->set_encoded("no picture");
    return request;
  }

  grpc::Status Classify(int images, std::unique_ptr<grpc::ClientContext> context = Patience()) {
    v1::ClassifyResponse response;
    return mae_stub_->Classify(context.get(), Undecodable(images), &response);
  }

  grpc::Status ModelInfer(int64_t priority, std::unique_ptr<grpc::ClientContext> context) {
    inference::ModelInferRequest request;
    request.set_model_name("cats");
    if (priority > 0) (*request.mutable_parameters())["priority"].set_int64_param(priority);
    AddRaw("images", "BYTES", {1}, RawTexts({"no picture"}), request);
    inference::ModelInferResponse response;
    return full_stub_->ModelInfer(context.get(), request, &response);
  }

  grpc::Status Reconstruct(int64_t images, const std::string& ratios, int64_t mask) {
    inference::ModelInferRequest request;
    request.set_model_name("mae");
    AddRaw("images", "BYTES", {images},
           RawTexts(std::vector<std::string>(static_cast<size_t>(images), "no picture")), request);
    if (mask > 0) AddRaw("mask", "BOOL", {mask}, std::string(static_cast<size_t>(mask), '\1'), request);
    if (!ratios.empty()) SetText(request, "mask_ratio", ratios);
    inference::ModelInferResponse response;
    return full_stub_->ModelInfer(Patience().get(), request, &response);
  }

  // Before `ahead_` and what asks them.
  ModelRequests requests_{*models_.store, models_.statistics, {4, 10000}, {.max_images = 6}};
  absl::StatusOr<Admission::Ticket> ahead_;
  InferenceService mae_{requests_, models_.queue};
  OipService oip_{requests_, models_.queue, models_.queue, {"1.2.3", Settings(), [] { return true; }}};
  GrpcHost full_host_{&mae_, &oip_};
  std::unique_ptr<v1::InferenceService::Stub> mae_stub_ = v1::InferenceService::NewStub(full_host_.channel());
  std::unique_ptr<inference::GRPCInferenceService::Stub> full_stub_ =
      inference::GRPCInferenceService::NewStub(full_host_.channel());
};

TEST_F(OverloadedServerTest, WhatFindsNoRoomIsRefusedBeforeItIsDecoded) {
  ExpectTryAgain(Classify(3));
  EXPECT_EQ(Classify(2).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "there is room: it is decoded";
  ahead_->reset();
  EXPECT_EQ(Classify(3).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(models_.metrics.records(), testing::Contains("cats/1 Classify RESOURCE_EXHAUSTED"));
}

TEST_F(OverloadedServerTest, WhatWouldBeTooLateIsRefusedBeforeItIsDecodedUnlessItGoesFirst) {
  EXPECT_EQ(Classify(1, Within(4)).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Classify(1, Within(60)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ModelInfer(0, Within(4)).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ModelInfer(9, Within(4)).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ModelInfer(1, Within(4)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(OverloadedServerTest, TheTimeoutOfARequestIsItsDeadline) {
  inference::ModelInferRequest request;
  request.set_model_name("cats");
  AddRaw("images", "BYTES", {1}, RawTexts({"no picture"}), request);
  SetInt(request, "timeout", 4'000'000);
  inference::ModelInferResponse response;
  EXPECT_EQ(full_stub_->ModelInfer(Within(60).get(), request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(OverloadedServerTest, RatiosCountAsImagesAndAMaskDoesNot) {
  const auto ahead = requests_.Admit(ModelQuery{"mae"}, 4, absl::InfiniteFuture());
  EXPECT_EQ(Reconstruct(1, "", 6).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "room for 2";
  EXPECT_EQ(Reconstruct(1, "0.25,0.5", 0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Reconstruct(1, "0.25,0.5,0.75", 0).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  v1::ReconstructRequest request;
  request.set_model("mae");
  request.add_images()->set_encoded("no picture");
  for (const double ratio : {0.25, 0.5, 0.75}) request.mutable_random()->add_mask_ratios(ratio);
  v1::ReconstructResponse response;
  EXPECT_EQ(mae_stub_->Reconstruct(Patience().get(), request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(OverloadedServerTest, AnImageCountsForEveryPassThatItGoesThrough) {
  const auto embed = [&](bool attention, bool pictures) {  // room for 2
    v1::EmbedRequest request;
    request.set_model("cats");
    for (int i = 0; i < 2; ++i) request.add_images()->set_encoded("no picture");
    request.set_attention(attention);
    request.set_attention_pictures(pictures);
    v1::EmbedResponse response;
    return mae_stub_->Embed(Patience().get(), request, &response).error_code();
  };
  EXPECT_EQ(embed(false, false), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(embed(true, false), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(embed(false, true), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto infer = [&](const std::vector<std::string>& outputs) {
    inference::ModelInferRequest request;
    request.set_model_name("cats/embed");
    AddRaw("images", "BYTES", {1}, RawTexts({"no picture"}), request);
    for (const auto& output : outputs) request.add_outputs()->set_name(output);
    inference::ModelInferResponse response;
    return full_stub_->ModelInfer(Patience().get(), request, &response).error_code();
  };
  EXPECT_EQ(infer({"attention", "attention_mean", "embedding"}), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(infer({"attention", "patch_embeddings", "embedding"}), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(OverloadedServerTest, StreamsAreRefusedLikewise) {
  grpc::ClientContext context;
  const auto stream = mae_stub_->StreamClassify(&context);
  ASSERT_TRUE(stream->Write(Undecodable(3)));
  v1::ClassifyResponse response;
  EXPECT_FALSE(stream->Read(&response));
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace mae
