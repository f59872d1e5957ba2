#include "server/inference_service.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "server/inference_options_from_proto.h"
#include "tests/server/grpc_host.h"
#include "tests/server/serving_fixture.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class InferenceServiceTest : public testing::Test {
 protected:
  InferenceServiceTest() {
    models_.Publish("mae", TinyAutoencoder(), {"prod"});
    models_.Publish("cats", TinyClassifier(3));
  }

  grpc::Status Send(const v1::ReconstructRequest& request, v1::ReconstructResponse& response) {
    return stub_->Reconstruct(Patience().get(), request, &response);
  }
  grpc::Status Send(const v1::ClassifyRequest& request, v1::ClassifyResponse& response) {
    return stub_->Classify(Patience().get(), request, &response);
  }
  grpc::Status Send(const v1::EmbedRequest& request, v1::EmbedResponse& response) {
    return stub_->Embed(Patience().get(), request, &response);
  }
  // The status of a request that should fail.
  grpc::Status Refusal(const v1::ReconstructRequest& request) {
    v1::ReconstructResponse response;
    return Send(request, response);
  }
  grpc::Status Refusal(const v1::ClassifyRequest& request) {
    v1::ClassifyResponse response;
    return Send(request, response);
  }

  static v1::ReconstructRequest ToReconstruct(const std::vector<v1::Image>& images,
                                              const std::string& model = "mae") {
    v1::ReconstructRequest request;
    request.set_model(model);
    for (const auto& image : images) *request.add_images() = image;
    return request;
  }
  static v1::ClassifyRequest ToClassify(const std::vector<v1::Image>& images,
                                        const std::string& model = "cats") {
    v1::ClassifyRequest request;
    request.set_model(model);
    for (const auto& image : images) *request.add_images() = image;
    return request;
  }

  ServedModels models_;
  InferenceService service_{models_.requests, models_.queue};
  GrpcHost host_{&service_};
  std::unique_ptr<v1::InferenceService::Stub> stub_ = v1::InferenceService::NewStub(host_.channel());
};

void ExpectFault(const grpc::Status& status, const std::string& field, const std::string& message) {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr(field), HasSubstr(message)));
  EXPECT_THAT(FaultyFields(status), ElementsAre(field));
}

TEST_F(InferenceServiceTest, ReconstructGivesLossMaskAndGrid) {
  auto request = ToReconstruct({PngImage(8, 12, 1), PngImage(30, 20, 3)}, "models/mae@prod");
  request.mutable_random()->set_mask_ratio(0.8);
  request.mutable_random()->set_seed(7);
  v1::ReconstructResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  EXPECT_EQ(response.model_version(), "models/mae/versions/1");
  EXPECT_EQ(response.grid_rows(), 2);
  EXPECT_EQ(response.grid_cols(), 3);
  EXPECT_DOUBLE_EQ(response.mask_ratio(), 5.0 / 6);
  EXPECT_EQ(response.pixel_statistics(), v1::PIXEL_STATISTICS_RAW);
  ASSERT_THAT(response.reconstructions(), SizeIs(2));
  for (const auto& one : response.reconstructions()) {
    EXPECT_GT(one.loss(), 0);
    EXPECT_THAT(one.hidden(), SizeIs(6));
    EXPECT_THAT(one.ids_restore(), SizeIs(6));
    EXPECT_TRUE(one.panel_png().empty());
    EXPECT_FALSE(one.has_prediction());
  }
}

TEST_F(InferenceServiceTest, ReconstructDrawsPicturesAtTheScaleAskedFor) {
  auto request = ToReconstruct({PngImage(8, 12, 1)});
  request.set_pictures(true);
  for (const auto& [asked, scale] : {std::pair{0, 18}, {1, 1}, {5, 5}}) {
    request.set_picture_scale(asked);
    v1::ReconstructResponse response;
    ASSERT_TRUE(Send(request, response).ok());
    const auto& one = response.reconstructions(0);
    for (const auto* png :
         {&one.original_png(), &one.masked_png(), &one.reconstruction_png(), &one.pasted_png()}) {
      const auto picture = DecodePicture(*png, 1 << 20);
      ASSERT_THAT(picture, IsOk());
      EXPECT_EQ(picture->width, 12 * scale);
      EXPECT_EQ(picture->height, 8 * scale);
    }
    const auto panel = DecodePicture(one.panel_png(), 1 << 22);
    ASSERT_THAT(panel, IsOk());
    EXPECT_GT(panel->width, 4 * 12 * scale);
  }
}

TEST_F(InferenceServiceTest, ReconstructGivesTensorsWhenAsked) {
  auto request = ToReconstruct({PngImage(8, 12, 1)});
  request.set_tensors(true);
  v1::ReconstructResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  const auto& one = response.reconstructions(0);
  EXPECT_THAT(one.prediction().shape(), ElementsAre(6, 16));
  EXPECT_EQ(one.prediction().data().size(), 6U * 16 * sizeof(float));
  EXPECT_THAT(one.pixels().shape(), ElementsAre(1, 8, 12));
  EXPECT_EQ(one.pixels().data().size(), 96 * sizeof(float));
}

TEST_F(InferenceServiceTest, ReconstructTakesTheMaskItself) {
  auto request = ToReconstruct({PngImage(8, 12, 1)});
  for (const bool hidden : {true, false, false, true, true, true})
    request.mutable_given()->add_hidden(hidden);
  v1::ReconstructResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  EXPECT_THAT(response.reconstructions(0).hidden(), ElementsAre(true, false, false, true, true, true));
  EXPECT_DOUBLE_EQ(response.mask_ratio(), 4.0 / 6);
}

TEST_F(InferenceServiceTest, ANormPixModelSaysHowItsPixelsWereGotBack) {
  models_.Publish("norm", TinyAutoencoder(1, /*norm_pix_loss=*/true));
  auto request = ToReconstruct({PngImage(8, 12, 1)}, "norm");
  v1::ReconstructResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  EXPECT_EQ(response.pixel_statistics(), v1::PIXEL_STATISTICS_TRUE_PATCH);
  request.set_pixel_statistics(v1::PIXEL_STATISTICS_RAW);
  ExpectFault(Refusal(request), "pixel_statistics", "use true_patch or visible_patches");
}

TEST_F(InferenceServiceTest, MasksThatCanNotBeNameTheirField) {
  for (const double ratio : {0.0, 1.0, 0.99, std::nan("")}) {
    auto request = ToReconstruct({PngImage(8, 12, 1)});
    request.mutable_random()->set_mask_ratio(ratio);
    ExpectFault(Refusal(request), "random.mask_ratio", "");
  }
  auto request = ToReconstruct({PngImage(8, 12, 1)});
  request.mutable_given();
  ExpectFault(Refusal(request), "given.hidden", "6 patches");
  request.mutable_given()->add_hidden(true);
  ExpectFault(Refusal(request), "given.hidden", "2 rows of 3");
}

TEST_F(InferenceServiceTest, PictureScaleIsBounded) {
  auto request = ToReconstruct({PngImage(8, 12, 1)});
  request.set_pictures(true);
  for (const int scale : {-1, 33}) {
    request.set_picture_scale(scale);
    ExpectFault(Refusal(request), "picture_scale", "1..32");
  }
}

TEST_F(InferenceServiceTest, ClassifyGivesTheHighestFirst) {
  auto request = ToClassify({PngImage(8, 12, 3), PngImage(5, 9, 1), PngImage(8, 12, 4)});
  request.set_logits(true);
  v1::ClassifyResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  EXPECT_EQ(response.model_version(), "models/cats/versions/1");
  ASSERT_THAT(response.classifications(), SizeIs(3));
  for (const auto& one : response.classifications()) {
    ASSERT_THAT(one.scores(), SizeIs(3));
    ASSERT_THAT(one.logits(), SizeIs(3));
    const std::string labels[] = {"cat", "dog", "emu"};
    double sum = 0;
    for (int i = 0; i < 3; ++i) {
      sum += one.scores(i).probability();
      EXPECT_EQ(one.scores(i).label(), labels[one.scores(i).index()]);
      const auto& before = one.scores(std::max(i - 1, 0));
      EXPECT_GE(before.probability(), one.scores(i).probability());
      EXPECT_GE(one.logits(before.index()), one.logits(one.scores(i).index()));
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST_F(InferenceServiceTest, TopKCutsAndIsChecked) {
  auto request = ToClassify({PngImage(8, 12, 3)});
  request.set_top_k(1);
  v1::ClassifyResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  EXPECT_THAT(response.classifications(0).scores(), SizeIs(1));
  EXPECT_THAT(response.classifications(0).logits(), SizeIs(0));
  request.set_top_k(1000);
  ASSERT_TRUE(Send(request, response).ok());
  EXPECT_THAT(response.classifications(0).scores(), SizeIs(3));
  request.set_top_k(-1);
  ExpectFault(Refusal(request), "top_k", "-1 is below 0");
}

TEST_F(InferenceServiceTest, EmbedWorksForEveryModelAndPool) {
  for (const char* model : {"mae", "cats"}) {
    for (const auto pool :
         {v1::EMBEDDING_POOL_UNSPECIFIED, v1::EMBEDDING_POOL_MEAN, v1::EMBEDDING_POOL_TOKEN}) {
      v1::EmbedRequest request;
      request.set_model(model);
      request.set_pool(pool);
      request.set_l2_normalize(true);
      *request.add_images() = PngImage(8, 12, 1);
      *request.add_images() = PngImage(8, 12, 1, 200);
      v1::EmbedResponse response;
      ASSERT_TRUE(Send(request, response).ok());
      EXPECT_THAT(response.embeddings().shape(), ElementsAre(2, 16));
      ASSERT_EQ(response.embeddings().data().size(), 32 * sizeof(float));
      float values[32];
      std::memcpy(values, response.embeddings().data().data(), sizeof(values));
      double squares = 0;
      for (int i = 0; i < 16; ++i) squares += values[i] * values[i];
      EXPECT_NEAR(squares, 1, 1e-5);
    }
  }
  v1::EmbedRequest request;
  request.set_model("mae");
  request.set_pool(static_cast<v1::EmbeddingPool>(9));
  *request.add_images() = PngImage(8, 12, 1);
  v1::EmbedResponse response;
  ExpectFault(Send(request, response), "pool", "9");
}

TEST_F(InferenceServiceTest, RawInputsGiveTheAnswerOfTheSamePng) {
  const std::string bytes(96 * 3, 90);
  std::vector<float> values(96 * 3, (90 / 255.0F - 0.25F) / 0.5F);
  const std::string floats(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  auto request = ToClassify({PngImage(8, 12, 3), RawImage(v1::RawImage::UINT8_HWC, {8, 12, 3}, bytes),
                             RawImage(v1::RawImage::FLOAT32_CHW, {3, 8, 12}, floats)});
  request.set_logits(true);
  v1::ClassifyResponse response;
  ASSERT_TRUE(Send(request, response).ok());
  for (int i = 1; i < 3; ++i) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(response.classifications(i).logits(c), response.classifications(0).logits(c), 1e-5);
    }
  }
}

TEST_F(InferenceServiceTest, BadImagesNameTheirPlace) {
  const auto good = PngImage(8, 12, 3);
  auto corrupt = good, truncated = good, empty = good, missing = v1::Image();
  corrupt.set_encoded("this is no picture");
  truncated.set_encoded(good.encoded().substr(0, good.encoded().size() / 2));
  empty.set_encoded("");
  float nan = std::numeric_limits<float>::quiet_NaN();
  const std::string zeros(96 * 3 * sizeof(float), 0);
  auto nan_data = zeros;
  std::memcpy(nan_data.data(), &nan, sizeof(nan));
  const auto bytes = v1::RawImage::UINT8_HWC;
  const auto floats = v1::RawImage::FLOAT32_CHW;
  const struct {
    v1::Image image;
    std::string field, message;
  } cases[] = {
      {corrupt, "images[1].encoded", ""},
      {truncated, "images[1].encoded", ""},
      {empty, "images[1].encoded", ""},
      {PngImage(101, 100, 1), "images[1].encoded", "10000"},
      {missing, "images[1]", "neither"},
      {RawImage(v1::RawImage::DATA_TYPE_UNSPECIFIED, {1, 1, 1}, "x"), "images[1].raw.data_type", "UINT8_HWC"},
      {RawImage(bytes, {8, 12}, "x"), "images[1].raw.shape", "[8, 12]"},
      {RawImage(bytes, {-8, -12, 1}, "x"), "images[1].raw.shape", "-8"},
      {RawImage(bytes, {2, 2, 1}, "x"), "images[1].raw.data", "1 bytes"},
      {RawImage(bytes, {1 << 30, 1 << 30, 1 << 30}, ""), "images[1].raw.data", "0 bytes"},
      {RawImage(bytes, {1, 1, 2}, "xx"), "images[1].raw.shape", "2 channels"},
      {RawImage(bytes, {101, 100, 1}, std::string(10100, 0)), "images[1].raw.shape", "10000"},
      {RawImage(floats, {3, 8, 8}, std::string(192 * sizeof(float), 0)), "images[1]", "[3, 8, 12]"},
      {RawImage(floats, {3, 8, 12}, zeros.substr(1)), "images[1].raw.data", "don't fit"},
      {RawImage(floats, {3, 8, 12}, nan_data), "images[1]", "finite"},
  };
  for (const auto& [image, field, message] : cases) {
    ExpectFault(Refusal(ToClassify({good, image})), field, message);
  }
}

TEST_F(InferenceServiceTest, ValuesTooLargeForTheModelNameTheirPlace) {
  const std::vector<float> values(96, 1e30F);
  const v1::Image huge =
      RawImage(v1::RawImage::FLOAT32_CHW, {1, 8, 12},
               {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  models_.Publish("grey", TinyClassifier(1));
  ExpectFault(Refusal(ToClassify({PngImage(8, 12, 1), huge}, "grey")), "images[1]", "too large");
  models_.Publish("norm", TinyAutoencoder(1, /*norm_pix_loss=*/true));
  for (const char* model : {"mae", "norm"})
    ExpectFault(Refusal(ToReconstruct({huge}, model)), "images[0]", "too large");
  v1::EmbedRequest embed;
  embed.set_model("mae");
  *embed.add_images() = huge;
  v1::EmbedResponse response;
  ExpectFault(Send(embed, response), "images[0]", "too large");
}

TEST_F(InferenceServiceTest, TooManyAndNoImagesAreRefused) {
  ExpectFault(Refusal(ToClassify(std::vector<v1::Image>(5, PngImage(8, 12, 3)))), "images", "1 to 4");
  ExpectFault(Refusal(ToClassify({})), "images", "0 images");
}

TEST_F(InferenceServiceTest, UnknownModelsAreToldTheNearest) {
  const auto status = Refusal(ToReconstruct({PngImage(8, 12, 1)}, "mea"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("'mae'"));
  const auto alias = Refusal(ToReconstruct({PngImage(8, 12, 1)}, "mae@prdo"));
  EXPECT_EQ(alias.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(alias.error_message(), HasSubstr("'prod'"));
  ExpectFault(Refusal(ToReconstruct({PngImage(8, 12, 1)}, "../mae")), "model", "must be 1 to 63");
}

TEST_F(InferenceServiceTest, TheWrongKindOfModelIsToldWhichWouldDo) {
  const auto reconstruct = Refusal(ToReconstruct({PngImage(8, 12, 1)}, "cats"));
  EXPECT_EQ(reconstruct.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(reconstruct.error_message(),
              AllOf(HasSubstr("vision_transformer without a decoder"), HasSubstr("these can: models/mae;"),
                    HasSubstr("import-model takes weights that have one")));
  const auto classify = Refusal(ToClassify({PngImage(8, 12, 1)}, "mae"));
  EXPECT_EQ(classify.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(classify.error_message(), AllOf(HasSubstr("without a classification head"),
                                              HasSubstr("models/cats"), Not(HasSubstr("models/mae,"))));
}

TEST_F(InferenceServiceTest, EachRequestIsToldToTheMetrics) {
  v1::ClassifyResponse response;
  ASSERT_TRUE(Send(ToClassify({PngImage(8, 12, 3)}), response).ok());
  EXPECT_FALSE(Refusal(ToClassify({})).ok());
  EXPECT_FALSE(Refusal(ToClassify({PngImage(8, 12, 3)}, "nothing")).ok());
  EXPECT_THAT(models_.metrics.records(),
              ElementsAre("cats/1 Classify OK", "cats/1 Classify INVALID_ARGUMENT", "/0 Classify NOT_FOUND"));
}

TEST(PictureScale, KeepsLargePicturesAtTheirSize) {
  EncoderOptions encoder;
  encoder.image_height = encoder.image_width = 224;
  EXPECT_THAT(PictureScale(0, encoder), IsOkAndHolds(1));
  EXPECT_THAT(PictureScale(9, encoder), IsOkAndHolds(9));
  EXPECT_THAT(PictureScale(10, encoder), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1..9")));
  encoder.image_height = encoder.image_width = 4096;
  EXPECT_THAT(PictureScale(1, encoder), IsOkAndHolds(1));
}

}  // namespace
}  // namespace mae
