// Pictures that callers send and that are not what they seem, to both protocols.
#include <utility>

#include "absl/strings/escaping.h"
#include "server/inference_service.h"
#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using testing::FloatNear;
using testing::Pointwise;

std::string FromHex(const char* hex) { return absl::HexStringToBytes(hex); }

// A PNG of two frames: the chunk that says so stands behind the header's 33 bytes.
std::string AnimatedPng() {
  std::string png = PngImage(8, 12, 3).encoded();
  return png.insert(33, FromHex("000000086163544c0000000200000000f38d9370"));
}

// An extended header with the flag of animations, 12 x 8.
std::string AnimatedWebp() {
  return "RIFF" + FromHex("16000000") + "WEBPVP8X" +
         FromHex(
             "0a00000002000000"
             "0b0000"
             "070000");
}

// 8 x 8, cyan 0, magenta and yellow full, black 0: red. Written by Pillow.
std::string RedCmykJpeg() {
  return FromHex(
      "ffd8ffee000e41646f626500640000000000ffdb004300010101010101010101010101010101010101010101010101010101"
      "01010101010101010101010101010101010101010101010101010101010101010101010101ffc00014080008000804431100"
      "4d11005911004b1100ffc4001500010100000000000000000000000000000a0bffc400141001000000000000000000000000"
      "00000000ffda000e0443004d0059004b00003f007f09ff00a7fe7f0fffd9");
}

v1::Image Encoded(const std::string& bytes) {
  v1::Image image;
  image.set_encoded(bytes);
  return image;
}

// Both services over one classifier, with requests of at most 20 images of 400 pixels.
class OddPictures : public testing::Test {
 protected:
  OddPictures() { models_.Publish("cats", TinyClassifier(3)); }

  // What mae.v1 says, and the logits of each image.
  grpc::Status Classify(const std::vector<std::string>& pictures, std::vector<std::vector<float>>& logits) {
    v1::ClassifyRequest request;
    request.set_model("cats");
    request.set_logits(true);
    for (const auto& picture : pictures) *request.add_images() = Encoded(picture);
    v1::ClassifyResponse response;
    const auto status = mae_->Classify(Patience().get(), request, &response);
    for (const auto& one : response.classifications())
      logits.emplace_back(one.logits().begin(), one.logits().end());
    return status;
  }
  // What the Open Inference Protocol says.
  grpc::Status Infer(const std::vector<std::string>& pictures) {
    inference::ModelInferRequest request;
    request.set_model_name("cats");
    AddRaw("images", "BYTES", {static_cast<int64_t>(pictures.size())}, RawTexts(pictures), request);
    inference::ModelInferResponse response;
    return oip_->ModelInfer(Patience().get(), request, &response);
  }

  // The last of them is at fault, in these words.
  void ExpectLastRefused(const std::vector<std::string>& pictures, const std::string& message) {
    const std::string place = "images[" + std::to_string(pictures.size() - 1) + "]";
    std::vector<std::vector<float>> none;
    ExpectRefused(Classify(pictures, none), place + ".encoded", message);
    ExpectRefused(Infer(pictures), place, message);
  }
  void ExpectTaken(const std::vector<std::string>& pictures) {
    std::vector<std::vector<float>> logits;
    const auto status = Classify(pictures, logits), infer = Infer(pictures);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_TRUE(infer.ok()) << infer.error_message();
  }

  ServedModels models_;
  ModelRequests requests_{
      *models_.store, models_.statistics, {/*max_images_per_request=*/20, /*max_image_pixels=*/400}};
  InferenceService mae_service_{requests_, models_.queue};
  OipService oip_service_{requests_, models_.queue, models_.queue, {"1.2.3", {}, [] { return true; }}};
  GrpcHost host_{&mae_service_, &oip_service_};
  std::unique_ptr<v1::InferenceService::Stub> mae_ = v1::InferenceService::NewStub(host_.channel());
  std::unique_ptr<inference::GRPCInferenceService::Stub> oip_ =
      inference::GRPCInferenceService::NewStub(host_.channel());
};

TEST_F(OddPictures, AnimatedOnesAreRefusedByName) {
  const std::string still = PngImage(8, 12, 3).encoded();
  ExpectLastRefused({still, AnimatedPng()}, "animated PNG");
  ExpectLastRefused({still, AnimatedWebp()}, "animated WebP");
  ExpectLastRefused({still, "GIF89a" + std::string(100, 'x')}, "GIF");
}

TEST_F(OddPictures, APngThatSaysItHasOneFrameIsStill) {
  std::string png = PngImage(8, 12, 3).encoded();
  ExpectTaken({png.insert(33, FromHex("000000086163544c0000000100000000b42de9a0"))});
}

TEST_F(OddPictures, ACmykJpegIsItsColours) {
  Picture red{8, 8, 3, {}};
  for (int i = 0; i < 64; ++i) red.pixels.insert(red.pixels.end(), {255, 0, 0});
  std::vector<std::vector<float>> logits;
  ASSERT_TRUE(Classify({RedCmykJpeg(), *EncodePng(red)}, logits).ok());
  EXPECT_THAT(logits[0], Pointwise(FloatNear(0.02F), logits[1]));
  ExpectTaken({RedCmykJpeg()});
}

TEST_F(OddPictures, ALongOneIsTakenUpToThePixelsOfALargeOne) {
  ExpectTaken({PngImage(1, 400, 1).encoded(), PngImage(400, 1, 3).encoded()});
  ExpectLastRefused({PngImage(1, 401, 1).encoded()}, "401 x 1 pixels; at most 400");
}

TEST_F(OddPictures, AllOfARequestHaveALimitTogether) {
  std::vector<std::string> pictures(16, PngImage(20, 20, 1).encoded());
  ExpectTaken(pictures);
  pictures.push_back(PngImage(1, 1, 1).encoded());
  ExpectLastRefused(pictures, "more than 6400, the limit for all of a request");
}

}  // namespace
}  // namespace mae
