#include "server/decoded_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/inference_service.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;

// Of one picture of the largest size, 20 x 20.
constexpr int64_t kPictureBytes = 20 * 20 * 4;

// Both services over one server whose pictures together may be as large as three of the largest.
class DecodedMemoryTest : public OipTest {
 protected:
  using Pictures = std::vector<std::string>;

  static std::string Whole() { return PngImage(20, 20, 3).encoded(); }
  // Says so only to who decodes it.
  static std::string Damaged() { return Whole().substr(0, 50); }

  grpc::Status Classify(const Pictures& pictures) {
    v1::ClassifyRequest request;
    request.set_model("cats");
    for (const auto& picture : pictures) request.add_images()->set_encoded(picture);
    v1::ClassifyResponse response;
    return mae_stub_->Classify(Patience().get(), request, &response);
  }
  grpc::Status Infer(const Pictures& pictures) {
    inference::ModelInferRequest request;
    request.set_model_name("cats");
    AddRaw("images", "BYTES", {static_cast<int64_t>(pictures.size())}, RawTexts(pictures), request);
    inference::ModelInferResponse response;
    return full_stub_->ModelInfer(Patience().get(), request, &response);
  }

  const std::shared_ptr<DecodedMemory> memory_ = std::make_shared<DecodedMemory>(3 * kPictureBytes);
  ModelRequests requests_{*models_.store, models_.statistics, {20, 400, 64 << 20, memory_}};
  InferenceService mae_{requests_, models_.queue};
  OipService oip_{requests_, models_.queue, models_.queue, {"1.2.3", Settings(), [] { return true; }}};
  GrpcHost full_host_{&mae_, &oip_};
  std::unique_ptr<v1::InferenceService::Stub> mae_stub_ = v1::InferenceService::NewStub(full_host_.channel());
  std::unique_ptr<inference::GRPCInferenceService::Stub> full_stub_ =
      inference::GRPCInferenceService::NewStub(full_host_.channel());
};

TEST_F(DecodedMemoryTest, WhatOthersLeaveNoRoomForIsRefusedBeforeAnyOfItIsDecoded) {
  auto others = memory_->Take(2 * kPictureBytes);
  ASSERT_THAT(others, IsOk());
  for (const auto& refused : {Classify({Damaged(), Whole()}), Infer({Damaged(), Whole()})}) {
    ExpectTryAgain(refused);
    EXPECT_THAT(refused.error_message(), HasSubstr("inference.max_decoded_mib"));
  }
  EXPECT_EQ(Classify({Damaged()}).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "there is room";
  others->reset();
  EXPECT_EQ(Classify({Damaged(), Whole()}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Infer({Damaged(), Whole()}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(DecodedMemoryTest, ARequestGivesBackWhatItTook) {
  for (const Pictures& pictures : {Pictures(3, Whole()), Pictures(3, Damaged()), Pictures(3, Whole())}) {
    EXPECT_NE(Classify(pictures).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_NE(Infer(pictures).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_THAT(memory_->Take(memory_->bytes()), IsOk());
}

TEST_F(DecodedMemoryTest, ARequestLargerThanAllOfItWillNeverFit) {
  const Pictures four(4, Whole());
  ExpectRefused(Classify(four), "images[3].encoded", "more than 1200");
  ExpectRefused(Infer(four), "images[3]", "inference.max_decoded_mib");
}

TEST_F(DecodedMemoryTest, PicturesAreCountedByTheirPixels) {
  EXPECT_TRUE(Classify(Pictures(12, PngImage(10, 10, 1).encoded())).ok());
  ExpectRefused(Classify(Pictures(13, PngImage(10, 10, 1).encoded())), "images[12].encoded",
                "more than 1200");
}

TEST(ReserveDecoded, OnePictureAboveAllOfTheMemoryIsToldTheLimit) {
  const InferenceLimits limits{4, 400, 1 << 20, std::make_shared<DecodedMemory>(300 * 4)};
  const std::string picture = PngImage(20, 20, 3).encoded();
  const auto refused = ReserveDecoded({{picture, "images[0]"}}, limits).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument,
                                testing::AllOf(HasSubstr("its 20 x 20 pixels are more than 300"),
                                               HasSubstr("send it smaller"))));
}

}  // namespace
}  // namespace mae
