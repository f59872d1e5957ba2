#include "options/model_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// No field at its default, no two alike, no double with a short decimal.
EncoderOptions OddEncoder() {
  EncoderOptions encoder;
  encoder.channels = 5;
  encoder.image_height = 48;
  encoder.image_width = 64;
  encoder.patch_size = 8;
  encoder.embed_dim = 96;
  encoder.depth = 7;
  encoder.num_heads = 6;
  encoder.mlp_ratio = 10.0 / 3.0;
  encoder.qkv_bias = false;
  encoder.layer_norm_eps = 1e-5 / 3.0;
  encoder.position_embedding = PositionEmbedding::kLearned;
  return encoder;
}

ModelConfig Autoencoder() {
  return {
      MaskedAutoencoderOptions{OddEncoder(), {80, 3, 10}, 1.0 / 3.0, true}, {0.1, 0.2}, {0.3, 1.0 / 7.0}, {}};
}

ModelConfig Classifier() {
  return {VisionTransformerOptions{OddEncoder(), 3, Pooling::kToken}, {0.1}, {0.3}, {"cat", "dog \"ü\"", ""}};
}

ModelCard Card() {
  return {"jobs/a",
          "tutorial-pretrain",
          "cifar10",
          "models/m/versions/3",
          {{"loss", 1.0 / 3.0}, {"accuracy", 0.5}},
          (int64_t{1} << 40) + 1,
          "abc"};
}

absl::StatusOr<ModelConfig> ConfigWith(const ModelConfig& config, const std::string& pointer,
                                       const json& value) {
  json file = json::parse(ModelConfigToJson(config));
  file[json::json_pointer(pointer)] = value;
  return ModelConfigFromJson(file.dump());
}

TEST(ModelJson, ConfigsComeBackWhole) {
  EXPECT_THAT(ModelConfigFromJson(ModelConfigToJson(Autoencoder())), IsOkAndHolds(Autoencoder()));
  EXPECT_THAT(ModelConfigFromJson(ModelConfigToJson(Classifier())), IsOkAndHolds(Classifier()));
  EXPECT_THAT(ModelConfigFromJson(ModelConfigToJson(ModelConfig())), IsOkAndHolds(ModelConfig()));
}

TEST(ModelJson, ConfigWithoutFormatIsReadAsThePresentOne) {
  json file = json::parse(ModelConfigToJson(Classifier()));
  file.erase("format");
  EXPECT_THAT(ModelConfigFromJson(file.dump()), IsOkAndHolds(Classifier()));
}

TEST(ModelJson, DropPathStaysWithTraining) {
  auto config = Classifier();
  std::get<VisionTransformerOptions>(config.model).drop_path = 0.5;
  EXPECT_THAT(ModelConfigFromJson(ModelConfigToJson(config)), IsOkAndHolds(Classifier()));
}

TEST(ModelJson, EveryMissingKeyOfAConfigIsNamedByItsPath) {
  for (const auto& config : {Autoencoder(), Classifier()}) {
    const json file = json::parse(ModelConfigToJson(config));
    const json flat = file.flatten();
    for (const auto& [pointer, value] : flat.items()) {
      if (pointer == "/format" || std::isdigit(pointer.back()))
        continue;  // may be missing; an item of a list
      json cut = file;
      const json::json_pointer place(pointer);
      cut.at(place.parent_pointer()).erase(place.back());
      const auto path = pointer.substr(1, pointer.find('/', 1) - 1);
      EXPECT_THAT(ModelConfigFromJson(cut.dump()), StatusIs(absl::StatusCode::kInvalidArgument,
                                                            AllOf(HasSubstr("config.json: " + path),
                                                                  HasSubstr(place.back() + ": is missing"))));
    }
  }
}

TEST(ModelJson, MistypedKeysOfAConfigAreNamedByTheirPath) {
  const auto refused = [](const std::string& text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.json: " + text));
  };
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder/depth", 1.5),
              refused("encoder.depth: expects a whole number, not 1.5"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder/depth", true),
              refused("encoder.depth: expects a whole number"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder/depth", UINT64_MAX), refused("encoder.depth"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder/mlp_ratio", "4"),
              refused("encoder.mlp_ratio: expects a number"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder/qkv_bias", 1),
              refused("encoder.qkv_bias: expects true or false"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder/position_embedding", "cosine"),
              refused("encoder.position_embedding: expects sincos or learned, not \"cosine\""));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/encoder", 3), refused("encoder: expects an object"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/decoder/num_heads", nullptr), refused("decoder.num_heads"));
  EXPECT_THAT(ConfigWith(Autoencoder(), "/kind", "resnet"), refused("kind: expects masked_autoencoder or"));
  EXPECT_THAT(ConfigWith(Classifier(), "/pooling", "max"), refused("pooling: expects mean or token"));
  EXPECT_THAT(ConfigWith(Classifier(), "/mean", 0.5), refused("mean: expects a list of numbers"));
  EXPECT_THAT(ConfigWith(Classifier(), "/std/0", "x"), refused("std: expects a list of numbers"));
  EXPECT_THAT(ConfigWith(Classifier(), "/labels/1", 2), refused("labels: expects a list of strings"));
  EXPECT_THAT(ConfigWith(Classifier(), "/format", 2), refused("format: is 2; this version reads 1"));
}

TEST(ModelJson, WhatIsNoJsonObjectIsRefused) {
  for (const char* text : {"", "{", "[]", "3", "null", "{\"kind\": "}) {
    EXPECT_THAT(ModelConfigFromJson(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.json")));
    EXPECT_THAT(ModelCardFromJson(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("card.json")));
  }
}

TEST(ModelJson, CardsComeBackWhole) {
  EXPECT_THAT(ModelCardFromJson(ModelCardToJson(Card())), IsOkAndHolds(Card()));
  EXPECT_THAT(ModelCardFromJson(ModelCardToJson(ModelCard())), IsOkAndHolds(ModelCard()));
}

TEST(ModelJson, MetricsThatAreNotFiniteAreLeftOutOfTheCard) {
  auto card = Card();
  card.metrics["grad_norm"] = std::numeric_limits<double>::infinity();
  card.metrics["validation_loss"] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ModelCardFromJson(ModelCardToJson(card)), IsOkAndHolds(Card()));
}

TEST(ModelJson, CardsOfImportedModelsKeepSourceAndLicence) {
  auto card = Card();
  card.source = "a friend", card.license = "CC-BY-NC 4.0";
  EXPECT_THAT(ModelCardFromJson(ModelCardToJson(card)), IsOkAndHolds(card));
  EXPECT_FALSE(json::parse(ModelCardToJson(Card())).contains("source"));
}

TEST(ModelJson, MissingAndMistypedKeysOfACardAreNamed) {
  const json file = json::parse(ModelCardToJson(Card()));
  for (const auto& [key, value] : file.items()) {
    json cut = file;
    cut.erase(key);
    EXPECT_THAT(ModelCardFromJson(cut.dump()), StatusIs(absl::StatusCode::kInvalidArgument,
                                                        HasSubstr("card.json: " + key + ": is missing")));
    json mistyped = file;
    mistyped[key] = true;
    EXPECT_THAT(ModelCardFromJson(mistyped.dump()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("card.json: " + key + ": expects")));
  }
  json metric = file;
  metric["metrics"]["loss"] = "low";
  EXPECT_THAT(ModelCardFromJson(metric.dump()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metrics.loss: expects a number")));
}

TEST(ModelJson, StringsOfOddBytesDoNotThrow) {
  auto config = Classifier();
  config.labels = {"\xff"};
  EXPECT_THAT(ModelConfigFromJson(ModelConfigToJson(config)), IsOk());
  auto card = Card();
  card.recipe = "\xff";
  EXPECT_THAT(ModelCardFromJson(ModelCardToJson(card)), IsOk());
}

}  // namespace
}  // namespace mae
