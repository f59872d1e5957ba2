#include "server/oip_infer.h"

#include <cmath>

#include "tests/server/oip_fixture.h"

namespace mae {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using OipInferTest = OipTest;

TEST_F(OipInferTest, AClassifierGivesProbabilitiesLogitsAndTheHighest) {
  auto request = PngRequest("cats", 2);
  request.set_id("request 7");
  const auto response = MustInfer(request);
  EXPECT_EQ(response.model_name(), "cats");
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_EQ(response.id(), "request 7");
  EXPECT_THAT(OutputNames(response), ElementsAre("probabilities", "logits", "top_indices", "top_labels"));
  EXPECT_THAT(ShapeOf(response, "probabilities"), ElementsAre(2, 3));
  EXPECT_THAT(ShapeOf(response, "top_labels"), ElementsAre(2, 3));
  const auto probabilities = ValuesOf<float>(response, "probabilities");
  ASSERT_THAT(probabilities, SizeIs(6));
  EXPECT_NEAR(probabilities[0] + probabilities[1] + probabilities[2], 1, 1e-5);
  const auto logits = ValuesOf<float>(response, "logits");
  const auto top = ValuesOf<int64_t>(response, "top_indices");
  const auto labels = TextsOf(response, "top_labels");
  ASSERT_THAT(top, SizeIs(6));
  ASSERT_THAT(labels, SizeIs(6));
  const std::string names[] = {"cat", "dog", "emu"};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(labels[i], names[top[i]]);
  EXPECT_GE(logits[top[0]], logits[top[1]]);
  EXPECT_GE(logits[top[1]], logits[top[2]]);
}

TEST_F(OipInferTest, TopKAndClassificationCut) {
  auto request = PngRequest("cats");
  SetInt(request, "top_k", 1);
  request.add_outputs()->set_name("top_labels");
  auto& scores = *request.add_outputs();
  scores.set_name("probabilities");
  (*scores.mutable_parameters())["classification"].set_int64_param(2);
  const auto response = MustInfer(request);
  EXPECT_THAT(OutputNames(response), ElementsAre("top_labels", "probabilities"));
  EXPECT_THAT(ShapeOf(response, "top_labels"), ElementsAre(1, 1));
  EXPECT_THAT(ShapeOf(response, "probabilities"), ElementsAre(1, 2));
  EXPECT_EQ(response.outputs(1).datatype(), "BYTES");
  const auto texts = TextsOf(response, "probabilities");
  ASSERT_THAT(texts, SizeIs(2));
  EXPECT_THAT(texts[0], HasSubstr(":" + TextsOf(response, "top_labels")[0]));
  EXPECT_GE(std::stod(texts[0]), std::stod(texts[1]));
  (*request.mutable_outputs(1)->mutable_parameters())["classification"].set_int64_param(0);
  ExpectRefused(Refusal(request), "classification", "at least 1");
  request.mutable_outputs(1)->set_name("top_indices");
  ExpectRefused(Refusal(request), "parameters", "no parameter \"classification\"");
}

TEST_F(OipInferTest, EveryModelEmbeds) {
  for (const char* model : {"mae/embed", "cats/embed"}) {
    for (const char* pool : {"mean", "token"}) {
      auto request = PngRequest(model, 2);
      SetText(request, "pool", pool);
      SetText(request, "l2_normalize", "true");
      const auto response = MustInfer(request);
      EXPECT_THAT(ShapeOf(response, "embedding"), ElementsAre(2, 16));
      double squares = 0;
      for (const float value : ValuesOf<float>(response, "embedding")) squares += value * value;
      EXPECT_NEAR(squares, 2, 1e-4);
    }
  }
  auto request = PngRequest("mae/embed");
  SetText(request, "pool", "max");
  ExpectRefused(Refusal(request), "pool", "\"mean\"");
  SetText(request, "pool", "patch");
  ExpectRefused(Refusal(request), "pool", "patch_embeddings");
}

TEST_F(OipInferTest, AnAutoencoderReconstructsWithoutDrawingUnlessAsked) {
  auto request = PngRequest("mae", 2);
  SetInt(request, "seed", 7);
  (*request.mutable_parameters())["mask_ratio"].set_double_param(0.8);
  const auto response = MustInfer(request);
  EXPECT_THAT(OutputNames(response), ElementsAre("loss", "mask", "ids_restore", "pixels"));
  EXPECT_THAT(ValuesOf<float>(response, "loss"), SizeIs(2));
  EXPECT_THAT(ShapeOf(response, "mask"), ElementsAre(2, 6));
  EXPECT_THAT(ShapeOf(response, "pixels"), ElementsAre(2, 1, 8, 12));
  EXPECT_THAT(ValuesOf<float>(response, "pixels"), SizeIs(2 * 96));
  EXPECT_THAT(ValuesOf<int64_t>(response, "ids_restore"), SizeIs(12));
  int hidden = 0;
  for (const char value : ValuesOf<char>(response, "mask")) hidden += value;
  EXPECT_EQ(hidden, 10);
}

TEST_F(OipInferTest, PicturesComeAsPngAtTheScaleAskedFor) {
  auto request = PngRequest("mae/reconstruct", 2);
  SetText(request, "picture_scale", "2");
  for (const char* name : {"prediction", "original", "masked", "reconstruction", "pasted", "panel"}) {
    request.add_outputs()->set_name(name);
  }
  const auto response = MustInfer(request);
  EXPECT_THAT(ShapeOf(response, "prediction"), ElementsAre(2, 6, 16));
  EXPECT_THAT(ValuesOf<float>(response, "prediction"), SizeIs(2 * 96));
  for (const char* name : {"original", "masked", "reconstruction", "pasted"}) {
    const auto pngs = TextsOf(response, name);
    ASSERT_THAT(pngs, SizeIs(2));
    const auto picture = DecodePicture(pngs[1], 1 << 20);
    ASSERT_THAT(picture, IsOk());
    EXPECT_EQ(picture->width, 24);
  }
  EXPECT_GT(DecodePicture(TextsOf(response, "panel")[0], 1 << 20)->width, 4 * 24);
}

TEST_F(OipInferTest, AnEncoderWithoutAHeadEmbeds) {
  ModelConfig config = TinyClassifier(3);
  std::get<VisionTransformerOptions>(config.model).num_classes = 0;
  config.labels.clear();
  models_.Publish("plain", config);
  EXPECT_THAT(OutputNames(MustInfer(PngRequest("plain"))), ElementsAre("embedding"));
  EXPECT_EQ(Refusal(PngRequest("plain/classify")).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(OipInferTest, AClassifierWithoutLabelsGivesIndicesAlone) {
  ModelConfig config = TinyClassifier(3);
  config.labels.clear();
  models_.Publish("unnamed", config);
  auto request = PngRequest("unnamed");
  request.add_outputs()->set_name("top_labels");
  auto& scores = *request.add_outputs();
  scores.set_name("logits");
  (*scores.mutable_parameters())["classification"].set_int64_param(9);
  const auto response = MustInfer(request);
  EXPECT_THAT(TextsOf(response, "top_labels"), ElementsAre("", "", ""));
  EXPECT_THAT(TextsOf(response, "logits"), Each(testing::MatchesRegex("-?[0-9.]+:[0-2]")));
}

TEST_F(OipInferTest, OutputsMustBeKnownAndOnce) {
  auto request = PngRequest("cats");
  request.add_outputs()->set_name("embedding");
  ExpectRefused(Refusal(request), "outputs", "it gives probabilities, logits, top_indices, top_labels");
  request.mutable_outputs(0)->set_name("logits");
  request.add_outputs()->set_name("logits");
  ExpectRefused(Refusal(request), "outputs", "twice");
}

TEST_F(OipInferTest, NamesAndVersionsAreFound) {
  models_.Publish("cats", TinyClassifier(3), {"new"});
  const auto answered = [&](const std::string& name, const std::string& version) {
    auto request = PngRequest(name);
    request.set_model_version(version);
    return MustInfer(request).model_version();
  };
  EXPECT_EQ(answered("cats", ""), "2");
  EXPECT_EQ(answered("cats", "1"), "1");
  EXPECT_EQ(answered("cats/classify", "new"), "2");
  EXPECT_EQ(answered("cats@new", ""), "2");
  EXPECT_EQ(answered("cats/versions/1", ""), "1");
  EXPECT_EQ(answered("cats/versions/1/embed", "1"), "1");
  const auto refused = [&](const std::string& name, const std::string& version) {
    auto request = PngRequest(name);
    request.set_model_version(version);
    return Refusal(request);
  };
  const auto expect_unknown = [&](const std::string& name, const std::string& version) {
    const auto status = refused(name, version);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status.error_message(), testing::StartsWith("model_name: "));
  };
  expect_unknown("cast", "");
  expect_unknown("cats", "3");
  expect_unknown("cats", "old");
  ExpectRefused(refused("cats/segment", ""), "model_name", "classify, embed, reconstruct");
  ExpectRefused(refused("cats@new", "1"), "model_version", "model_name says");
  ExpectRefused(refused("cats/versions/0", ""), "model_name", "a number from 1");
  expect_unknown("cats@old", "");
  ExpectRefused(refused("../cats", ""), "model_name", "");
  ExpectRefused(refused("", ""), "model_name", "1 to 63");
  ExpectRefused(refused("cats", "99999999999999999999"), "model_version", "a number from 1");
  ExpectRefused(refused("cats", "0"), "model_version", "a number from 1");
  const auto cant = refused("mae/classify", "");
  EXPECT_EQ(cant.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(cant.error_message(), HasSubstr("these can: models/cats"));
}

TEST_F(OipInferTest, ValuesTooLargeForTheModelAreRefused) {
  for (const auto& [name, channels] : {std::pair{"cats", 3}, {"cats/embed", 3}, {"mae", 1}}) {
    std::vector<float> values(static_cast<size_t>(2 * channels * 96), 0.5F);
    std::fill(values.begin() + channels * 96, values.end(), 1e30F);
    inference::ModelInferRequest request;
    request.set_model_name(name);
    AddRaw("pixel_values", "FP32", {2, channels, 8, 12}, RawValues(values), request);
    ExpectRefused(Refusal(request), "pixel_values[1]", "too large");
  }
}

TEST_F(OipInferTest, NoRetryIsPromisedWherePinnedModelsLeaveNoRoom) {
  for (const char* name : {"a", "b", "c", "d"}) {
    models_.Publish(name, TinyClassifier(3));
    ASSERT_THAT(models_.store->Load(name, true, {}), IsOk());
  }
  const auto status = Refusal(PngRequest("cats"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("are pinned"));
  EXPECT_EQ(status.error_details(), "");
}

TEST_F(OipInferTest, EachRequestIsToldToTheMetricsUnderItsTask) {
  MustInfer(PngRequest("cats"));
  MustInfer(PngRequest("mae/embed"));
  Refusal(PngRequest("mae", 5));
  Refusal(PngRequest("nothing"));
  Refusal(PngRequest("nothing/embed"));
  EXPECT_THAT(models_.metrics.records(),
              ElementsAre("cats/1 Classify OK", "mae/1 Embed OK", "mae/1 Reconstruct INVALID_ARGUMENT",
                          "/0  NOT_FOUND", "/0 Embed NOT_FOUND"));
}

}  // namespace
}  // namespace mae
