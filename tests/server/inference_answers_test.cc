#include <cmath>
#include <cstring>

#include "server/inference_service.h"
#include "tests/server/grpc_host.h"
#include "tests/server/oip_fixture.h"
#include "tests/server/serving_fixture.h"

/// What mae.v1 answers beyond the usual: kinds of masks, ratios, formats, patch tokens, attention, exact
/// sizes.
namespace mae {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class InferenceAnswersTest : public testing::Test {
 protected:
  InferenceAnswersTest() {
    models_.Publish("mae", TinyAutoencoder());
    models_.Publish("norm", TinyAutoencoder(1, /*norm_pix_loss=*/true));
    models_.Publish("cats", TinyClassifier(3));
  }

  static v1::ReconstructRequest Reconstruction(int images, const std::string& model = "mae") {
    v1::ReconstructRequest request;
    request.set_model(model);
    for (int i = 0; i < images; ++i) *request.add_images() = PngImage(8, 12, 1, static_cast<uint8_t>(50 + i));
    return request;
  }
  static v1::EmbedRequest Embedding(int images, const std::string& model = "mae") {
    v1::EmbedRequest request;
    request.set_model(model);
    for (int i = 0; i < images; ++i) *request.add_images() = PngImage(8, 12, 1, static_cast<uint8_t>(50 + i));
    return request;
  }

  v1::ReconstructResponse Must(const v1::ReconstructRequest& request) {
    v1::ReconstructResponse response;
    const auto status = stub_->Reconstruct(Patience().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::EmbedResponse Must(const v1::EmbedRequest& request) {
    v1::EmbedResponse response;
    const auto status = stub_->Embed(Patience().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status Refused(const v1::ReconstructRequest& request) {
    v1::ReconstructResponse response;
    return stub_->Reconstruct(Patience().get(), request, &response);
  }
  grpc::Status Refused(const v1::EmbedRequest& request) {
    v1::EmbedResponse response;
    return stub_->Embed(Patience().get(), request, &response);
  }

  ServedModels models_;
  InferenceService service_{models_.requests, models_.queue};
  GrpcHost host_{&service_};
  std::unique_ptr<v1::InferenceService::Stub> stub_ = v1::InferenceService::NewStub(host_.channel());
};

TEST_F(InferenceAnswersTest, BlockGridAndNoMasksHideWhatTheySay) {
  auto request = Reconstruction(1);
  request.mutable_block()->set_mask_ratio(0.5);
  EXPECT_DOUBLE_EQ(Must(request).mask_ratio(), 0.5);
  request.mutable_grid();
  EXPECT_THAT(Must(request).reconstructions(0).hidden(), ElementsAre(false, true, false, true, true, true));
  request.mutable_none();
  const auto response = Must(request);
  EXPECT_THAT(response.reconstructions(0).hidden(), Each(false));
  EXPECT_EQ(response.mask_ratio(), 0);
  EXPECT_GT(response.reconstructions(0).loss(), 0);
}

TEST_F(InferenceAnswersTest, EachImageIsAnsweredAtEachRatioAndSaysWhich) {
  auto request = Reconstruction(2);
  request.mutable_random()->mutable_mask_ratios()->Add(0.2);
  request.mutable_random()->mutable_mask_ratios()->Add(0.8);
  const auto together = Must(request);
  ASSERT_THAT(together.reconstructions(), SizeIs(4));
  const double shares[] = {2.0 / 6, 5.0 / 6};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(together.reconstructions(i).image(), i / 2);
    EXPECT_DOUBLE_EQ(together.reconstructions(i).mask_ratio(), shares[i % 2]);
  }
  EXPECT_DOUBLE_EQ(together.mask_ratio(), shares[0]);
  auto alone = Reconstruction(2);
  alone.mutable_random()->set_mask_ratio(0.8);
  EXPECT_DOUBLE_EQ(Must(alone).reconstructions(1).loss(), together.reconstructions(3).loss());
}

TEST_F(InferenceAnswersTest, ImagesTimesRatiosAreLimitedAndFaultsNameTheirField) {
  auto request = Reconstruction(2);
  for (const double ratio : {0.2, 0.5, 0.8}) request.mutable_block()->add_mask_ratios(ratio);
  ExpectRefused(Refused(request), "block.mask_ratios", "more than the 4 reconstructions");
  request.mutable_block()->mutable_mask_ratios()->RemoveLast();
  EXPECT_THAT(Must(request).reconstructions(), SizeIs(4));
  request.mutable_block()->set_mask_ratios(1, 1.5);
  ExpectRefused(Refused(request), "block.mask_ratios", "1.5 is not in (0, 1)");
  request.mutable_block()->set_mask_ratio(0.5);
  ExpectRefused(Refused(request), "block.mask_ratios", "set one of them");
  request.mutable_random()->add_mask_ratios(std::nan(""));
  ExpectRefused(Refused(request), "random.mask_ratios", "not in (0, 1)");
}

TEST_F(InferenceAnswersTest, PixelStatisticsAreAsAskedOrRefused) {
  auto request = Reconstruction(1, "norm");
  request.set_pixel_statistics(v1::PIXEL_STATISTICS_VISIBLE_PATCHES);
  EXPECT_EQ(Must(request).pixel_statistics(), v1::PIXEL_STATISTICS_VISIBLE_PATCHES);
  request.set_model("mae");
  ExpectRefused(Refused(request), "pixel_statistics", "this model predicts pixels");
  request.set_pixel_statistics(v1::PIXEL_STATISTICS_TRUE_PATCH);
  ExpectRefused(Refused(request), "pixel_statistics", "this model predicts pixels");
  request.set_pixel_statistics(v1::PIXEL_STATISTICS_RAW);
  EXPECT_EQ(Must(request).pixel_statistics(), v1::PIXEL_STATISTICS_RAW);
  request.set_pixel_statistics(static_cast<v1::PixelStatistics>(9));
  ExpectRefused(Refused(request), "pixel_statistics", "9");
}

TEST_F(InferenceAnswersTest, WebpPicturesAreThoseOfPngInFieldsOfTheirOwn) {
  auto request = Reconstruction(1);
  request.set_pictures(true);
  const auto png = Must(request).reconstructions(0);
  request.set_picture_format(v1::PICTURE_FORMAT_WEBP);
  const auto webp = Must(request).reconstructions(0);
  EXPECT_THAT(webp.panel_png(), IsEmpty());
  EXPECT_THAT(png.panel_webp(), IsEmpty());
  const std::pair<std::string, std::string> pairs[] = {{png.original_png(), webp.original_webp()},
                                                       {png.masked_png(), webp.masked_webp()},
                                                       {png.reconstruction_png(), webp.reconstruction_webp()},
                                                       {png.pasted_png(), webp.pasted_webp()},
                                                       {png.panel_png(), webp.panel_webp()}};
  for (const auto& [one, other] : pairs) {
    EXPECT_EQ(other.substr(0, 4), "RIFF");
    const auto picture = DecodePicture(one, 1 << 22), same = DecodePicture(other, 1 << 22);
    ASSERT_THAT(same, IsOk());
    EXPECT_EQ(ConvertChannels(*picture, 3)->pixels, same->pixels);
  }
  request.set_picture_format(static_cast<v1::PictureFormat>(7));
  ExpectRefused(Refused(request), "picture_format", "7");
}

TEST_F(InferenceAnswersTest, HowPicturesAreDrawnIsRefusedWhereNoneAre) {
  auto scaled = Reconstruction(1), formatted = scaled;
  scaled.set_picture_scale(2);
  ExpectRefused(Refused(scaled), "picture_scale", "ask for them by pictures");
  formatted.set_picture_format(v1::PICTURE_FORMAT_PNG);
  ExpectRefused(Refused(formatted), "picture_format", "ask for them by pictures");
  v1::EmbedRequest embed;
  embed.set_model("mae");
  *embed.add_images() = PngImage(8, 12, 1);
  embed.set_attention(true);
  embed.set_picture_scale(2);
  ExpectRefused(Refused(embed), "picture_scale", "attention_pictures");
}

TEST_F(InferenceAnswersTest, ExactSizeRefusesWhatWouldBeScaled) {
  auto request = Reconstruction(1);
  *request.add_images() = PngImage(30, 20, 3);
  Must(request);
  request.set_exact_size(true);
  ExpectRefused(Refused(request), "images[1]",
                "is 30 high and 20 wide; exact_size asks for the model's 8 x 12");
  auto embed = Embedding(1);
  *embed.add_images() = RawImage(v1::RawImage::UINT8_HWC, {12, 8, 1}, std::string(96, 'x'));
  embed.set_exact_size(true);
  v1::EmbedResponse embedded;
  ExpectRefused(stub_->Embed(Patience().get(), embed, &embedded), "images[1]", "12 high and 8 wide");
  v1::ClassifyRequest classify;
  classify.set_model("cats");
  classify.set_exact_size(true);
  *classify.add_images() = PngImage(8, 13, 3);
  v1::ClassifyResponse classified;
  ExpectRefused(stub_->Classify(Patience().get(), classify, &classified), "images[0]", "13 wide");
  *classify.mutable_images(0) = PngImage(8, 12, 3);
  EXPECT_TRUE(stub_->Classify(Patience().get(), classify, &classified).ok());
}

TEST_F(InferenceAnswersTest, EmbedGivesEveryPatchToken) {
  for (const char* model : {"mae", "cats"}) {
    auto request = Embedding(2, model);
    request.set_pool(v1::EMBEDDING_POOL_PATCHES);
    const auto response = Must(request);
    EXPECT_THAT(response.embeddings().shape(), ElementsAre(2, 6, 16));
    EXPECT_THAT(response.embeddings().data(), SizeIs(2 * 6 * 16 * sizeof(float)));
    EXPECT_FALSE(response.has_attention());
  }
}

TEST_F(InferenceAnswersTest, EmbedGivesAttentionAsNumbersAndPictures) {
  auto request = Embedding(2);
  request.set_attention(true);
  const auto numbers = Must(request);
  EXPECT_THAT(numbers.embeddings().shape(), ElementsAre(2, 16));
  EXPECT_THAT(numbers.attention().shape(), ElementsAre(2, 2, 2, 3));
  EXPECT_THAT(numbers.attention_mean().shape(), ElementsAre(2, 2, 3));
  EXPECT_THAT(numbers.attention_pictures(), IsEmpty());
  float weights[24], means[12];
  ASSERT_EQ(numbers.attention().data().size(), sizeof(weights));
  std::memcpy(weights, numbers.attention().data().data(), sizeof(weights));
  std::memcpy(means, numbers.attention_mean().data().data(), sizeof(means));
  for (int i = 0; i < 2; ++i) {
    for (int p = 0; p < 6; ++p)
      EXPECT_NEAR(means[i * 6 + p], (weights[i * 12 + p] + weights[i * 12 + 6 + p]) / 2, 1e-6);
  }
  request.set_attention(false);
  request.set_attention_pictures(true);
  request.set_picture_scale(4);
  request.set_picture_format(v1::PICTURE_FORMAT_WEBP);
  const auto drawn = Must(request);
  EXPECT_FALSE(drawn.has_attention());
  ASSERT_THAT(drawn.attention_pictures(), SizeIs(2));
  for (const auto& pictures : drawn.attention_pictures()) {
    ASSERT_THAT(pictures.heads(), SizeIs(2));
    for (const auto* encoded : {&pictures.mean(), &pictures.heads(0), &pictures.heads(1)}) {
      const auto picture = DecodePicture(*encoded, 1 << 20);
      ASSERT_THAT(picture, IsOk());
      EXPECT_EQ(picture->width, 48);
      EXPECT_EQ(picture->height, 32);
    }
    EXPECT_NE(pictures.heads(0), pictures.heads(1));
    EXPECT_GT(DecodePicture(pictures.panel(), 1 << 20)->width, 4 * 48);
  }
}

TEST_F(InferenceAnswersTest, AttentionOfImagesThatCanNotBeDrawnIsNumbersAlone) {
  models_.Publish("five", TinyAutoencoder(5));
  v1::EmbedRequest request;
  request.set_model("five");
  *request.add_images() =
      RawImage(v1::RawImage::FLOAT32_CHW, {5, 8, 12}, std::string(5 * 96 * sizeof(float), '\0'));
  request.set_attention(true);
  EXPECT_THAT(Must(request).attention().shape(), ElementsAre(1, 2, 2, 3));
  request.set_attention_pictures(true);
  v1::EmbedResponse response;
  const auto status = stub_->Embed(Patience().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("5 channels"));
}

}  // namespace
}  // namespace mae
