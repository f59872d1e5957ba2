#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/inference_inputs.h"
#include "server/inference_options_from_proto.h"
#include "server/inference_service.h"
#include "tests/server/oip_fixture.h"

/// Answers that no message or file could hold are refused before the model runs.
namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(AnswerLimits, SaysHowManyImagesAMessageHolds) {
  InferenceLimits limits;
  limits.max_message_bytes = 4000;
  EXPECT_THAT(CheckAnswerSize(10, 100, "pool", limits), IsOk());
  EXPECT_THAT(CheckAnswerSize(11, 100, "pool", limits),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("send at most 10 images")));
  EXPECT_THAT(CheckAnswerSize(1, 1001, "pool", limits),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("rpc.max_message_mib")));
}

TEST(AnswerLimits, APanelIsNotLargerThanWebpTakes) {
  EncoderOptions encoder;
  encoder.image_height = encoder.image_width = 64;
  const PictureStyle largest{32, PictureFormat::kWebp}, png{32, PictureFormat::kPng};
  EXPECT_THAT(CheckPanelFits({31, PictureFormat::kWebp}, encoder, 8), IsOk());
  EXPECT_THAT(CheckPanelFits(largest, encoder, kReconstructionPictures), IsOk());
  EXPECT_THAT(CheckPanelFits(largest, encoder, 8),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("picture_scale")));
  EXPECT_THAT(CheckPanelFits(largest, encoder, 4 * 8 + 1), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckPanelFits(png, encoder, 8), IsOk());
  encoder.image_height = 4096;
  encoder.image_width = 16;
  EXPECT_THAT(CheckPanelFits({1, PictureFormat::kWebp}, encoder, 3 * 8), IsOk());
  EXPECT_THAT(CheckPanelFits({1, PictureFormat::kWebp}, encoder, 4 * 8),
              StatusIs(StatusCode::kInvalidArgument));
}

/// A server whose messages hold two images' patch tokens: 6 of 16 values each.
class SmallMessageTest : public OipTest {
 protected:
  ModelRequests requests_{*models_.store, models_.statistics, {4, 10000, 2 * 6 * 16 * 4}, {.max_images = 64}};
  InferenceService mae_{requests_, models_.queue};
  OipService oip_{requests_, models_.queue, models_.queue, {"1.2.3", Settings(), [] { return true; }}};
  GrpcHost small_host_{&mae_, &oip_};
};

TEST_F(SmallMessageTest, PatchTokensThatDoNotFitAreRefusedByField) {
  const auto stub = v1::InferenceService::NewStub(small_host_.channel());
  v1::EmbedRequest request;
  request.set_model("mae");
  request.set_pool(v1::EMBEDDING_POOL_PATCHES);
  for (int i = 0; i < 3; ++i) *request.add_images() = PngImage(8, 12, 3);
  v1::EmbedResponse response;
  ExpectRefused(stub->Embed(Patience().get(), request, &response), "pool", "at most 2 images");
  request.mutable_images()->RemoveLast();
  EXPECT_TRUE(stub->Embed(Patience().get(), request, &response).ok());
}

TEST_F(SmallMessageTest, SoAreThoseOfTheOpenInferenceProtocol) {
  const auto stub = inference::GRPCInferenceService::NewStub(small_host_.channel());
  auto request = PngRequest("mae/embed", 3);
  inference::ModelInferResponse response;
  EXPECT_TRUE(stub->ModelInfer(Patience().get(), request, &response).ok());
  request.add_outputs()->set_name("patch_embeddings");
  ExpectRefused(stub->ModelInfer(Patience().get(), request, &response), "patch_embeddings",
                "at most 2 images");
}

}  // namespace
}  // namespace mae
