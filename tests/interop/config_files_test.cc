#include "interop/config_files.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "options/model_json.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/interop/reference_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kBadConfig = absl::StatusCode::kInvalidArgument;

class ConfigFilesTest : public testing::Test {
 protected:
  absl::StatusOr<ImportOptions> Read(const std::string& config, const std::string& preprocessor = "{}") {
    EXPECT_THAT(WriteFileDurably(folder_ / "config.json", config), IsOk());
    EXPECT_THAT(WriteFileDurably(folder_ / "preprocessor_config.json", preprocessor), IsOk());
    return ReadConfigFiles(folder_ / "");
  }
  TempFolder folder_;
};

ModelConfig SquareAutoencoder() {
  auto config = TinyAutoencoder(3);
  std::get<MaskedAutoencoderOptions>(config.model).encoder.image_width = 8;
  return config;
}

TEST_F(ConfigFilesTest, NoFilesSayNothing) {
  EXPECT_THAT(ReadConfigFiles(folder_ / "none"), IsOkAndHolds(ImportOptions{}));
}

TEST_F(ConfigFilesTest, ConfigsOfTransformersAreRead) {
  const auto mae = ReadConfigFiles(InteropReference() / "transformers-mae");
  ASSERT_THAT(mae, IsOk());
  EXPECT_EQ(mae->num_heads, 3);
  EXPECT_EQ(mae->decoder_num_heads, 2);
  EXPECT_EQ(mae->image_height, 16);
  EXPECT_EQ(mae->layer_norm_eps, 1e-6);
  EXPECT_EQ(mae->mask_ratio, 0.5);
  EXPECT_EQ(mae->norm_pix_loss, false);
  const auto vit = ReadConfigFiles(InteropReference() / "transformers-classifier");
  ASSERT_THAT(vit, IsOk());
  EXPECT_THAT(vit->labels, ElementsAre("cat", "dog", "emu"));
  EXPECT_FALSE(vit->decoder_num_heads.has_value());
}

TEST_F(ConfigFilesTest, WhatTheirConfigsLeaveOutIsTheirDefault) {
  const auto read = Read(R"({"model_type": "vit_mae"})", R"({"image_mean": [0.1], "image_std": [0.2]})");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->layer_norm_eps, 1e-12);
  EXPECT_EQ(read->num_heads, 12);
  EXPECT_EQ(read->decoder_num_heads, 16);
  EXPECT_THAT(read->mean, ElementsAre(0.1));
  EXPECT_THAT(read->std_dev, ElementsAre(0.2));
}

TEST_F(ConfigFilesTest, PlaceholderLabelsAreNone) {
  const auto read = Read(R"({"model_type": "vit", "id2label": {"0": "LABEL_0", "1": "LABEL_1"}})");
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->labels, IsEmpty());
}

TEST_F(ConfigFilesTest, OtherModelsAndTypesAreRefused) {
  EXPECT_THAT(Read(R"({"model_type": "swin"})"),
              StatusIs(kBadConfig, HasSubstr("config.json: model_type: is swin")));
  EXPECT_THAT(Read(R"({"model_type": "vit", "hidden_act": "gelu_new"})"),
              StatusIs(kBadConfig, HasSubstr("hidden_act")));
  EXPECT_THAT(Read(R"({"model_type": "vit", "num_attention_heads": "3"})"),
              StatusIs(kBadConfig, HasSubstr("num_attention_heads: expects a whole number")));
  EXPECT_THAT(Read(R"({"model_type": "vit", "image_size": [1]})"),
              StatusIs(kBadConfig, HasSubstr("image_size")));
  EXPECT_THAT(Read("[]"), StatusIs(kBadConfig));
  EXPECT_THAT(Read("{}"), StatusIs(kBadConfig, HasSubstr("model_type")));
  EXPECT_THAT(Read("{"), StatusIs(kBadConfig, HasSubstr("config.json")));
  EXPECT_THAT(Read(R"({"model_type": "vit"})", R"({"image_mean": ["x"]})"),
              StatusIs(kBadConfig, HasSubstr("preprocessor_config.json: image_mean")));
}

// Parsing it takes no stack, but printing and copying do.
TEST_F(ConfigFilesTest, DeepNestingIsRefused) {
  constexpr size_t kDeep = 4'000'000;
  const std::string deep = std::string(kDeep, '[') + std::string(kDeep, ']');
  const auto refused = StatusIs(kBadConfig, HasSubstr("nested deeper than 16"));
  EXPECT_THAT(Read(R"({"model_type": )" + deep + "}"), refused);
  EXPECT_THAT(Read(R"({"kind": )" + deep + "}"), refused);
  EXPECT_THAT(Read(R"({"architecture": "x", "pretrained_cfg": {"label_names": )" + deep + "}}"), refused);
  EXPECT_THAT(Read("{\"kind\": \"x\"}", R"({"image_mean": )" + deep + "}"), StatusIs(kBadConfig));
}

TEST_F(ConfigFilesTest, WhatIsNotNormalizedHasMean0AndStd1) {
  const auto read = Read(R"({"model_type": "vit"})", R"({"do_normalize": false})");
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->mean, ElementsAre(0, 0, 0));
  EXPECT_THAT(read->std_dev, ElementsAre(1, 1, 1));
}

// timm takes int(embed_dim * mlp_ratio).
TEST_F(ConfigFilesTest, TimmComesToTheHiddenWidthThatIsHere) {
  auto config = TinyClassifier(3);
  auto& encoder = std::get<VisionTransformerOptions>(config.model).encoder;
  for (int64_t width = 4; width < 2000; width += 4) {
    for (const double ratio : {0.3, 1.9999, 8.0 / 3.0, 10.0 / 3.0, 4.0}) {
      encoder.embed_dim = width, encoder.mlp_ratio = ratio;
      const double theirs = nlohmann::json::parse(TimmConfig(config))["model_args"]["mlp_ratio"];
      ASSERT_EQ(static_cast<int64_t>(static_cast<double>(width) * theirs), encoder.hidden_width(width))
          << width << " " << ratio;
    }
  }
}

// Each class was looked for among those before it: minutes.
TEST_F(ConfigFilesTest, ManyClassesAreWrittenInTheOrderOfSeconds) {
  auto config = TinyClassifier(3);
  auto& classifier = std::get<VisionTransformerOptions>(config.model);
  classifier.encoder.image_width = classifier.encoder.image_height;
  classifier.pooling = Pooling::kToken;
  classifier.num_classes = 200'000;
  const auto written = HuggingFaceConfig(config);
  ASSERT_THAT(written, IsOk());
  const auto json = nlohmann::json::parse(*written);
  EXPECT_EQ(json["id2label"]["199999"], "LABEL_199999");
  EXPECT_EQ(json["label2id"]["LABEL_7"], 7);
}

TEST_F(ConfigFilesTest, OurOwnConfigTellsEverything) {
  const auto config = TinyAutoencoder(3, true);
  const auto read = Read(ModelConfigToJson(config));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->num_heads, 2);
  EXPECT_EQ(read->image_width, 12);
  EXPECT_EQ(read->norm_pix_loss, true);
  EXPECT_EQ(read->mean, config.mean);
}

TEST_F(ConfigFilesTest, WhatIsWrittenForTimmAndTransformersIsReadBack) {
  const auto config = SquareAutoencoder();
  const auto theirs = HuggingFaceConfig(config);
  ASSERT_THAT(theirs, IsOk());
  auto read = Read(*theirs, HuggingFacePreprocessor(config));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->num_heads, 2);
  EXPECT_EQ(read->decoder_num_heads, 2);
  EXPECT_EQ(read->layer_norm_eps, 1e-6);
  EXPECT_EQ(read->mean, config.mean);
  EXPECT_EQ(read->std_dev, config.std_dev);
  // create_model takes the pooling, and with it the norm, from the arguments alone.
  EXPECT_EQ(nlohmann::json::parse(TimmConfig(TinyClassifier(3)))["model_args"]["global_pool"], "avg");
  read = Read(TimmConfig(TinyClassifier(3)));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->num_heads, 2);
  EXPECT_EQ(read->image_height, 8);
  EXPECT_EQ(read->image_width, 12);
  EXPECT_THAT(read->labels, ElementsAre("cat", "dog", "emu"));
}

TEST_F(ConfigFilesTest, TransformersConfigsHaveTheirKeys) {
  const auto json = nlohmann::json::parse(*HuggingFaceConfig(SquareAutoencoder()));
  for (const char* key : {"model_type",
                          "architectures",
                          "hidden_size",
                          "num_hidden_layers",
                          "num_attention_heads",
                          "intermediate_size",
                          "hidden_act",
                          "hidden_dropout_prob",
                          "attention_probs_dropout_prob",
                          "initializer_range",
                          "layer_norm_eps",
                          "image_size",
                          "patch_size",
                          "num_channels",
                          "qkv_bias",
                          "decoder_num_attention_heads",
                          "decoder_hidden_size",
                          "decoder_num_hidden_layers",
                          "decoder_intermediate_size",
                          "mask_ratio",
                          "norm_pix_loss"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["intermediate_size"], 64);
  EXPECT_EQ(json["decoder_intermediate_size"], 32);
}

TEST_F(ConfigFilesTest, WhatTransformersHasNoModelForIsRefused) {
  constexpr auto kCant = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(HuggingFaceConfig(TinyAutoencoder()), StatusIs(kCant, HasSubstr("square")));
  auto mean = TinyClassifier(3);
  std::get<VisionTransformerOptions>(mean.model).encoder.image_width = 8;
  EXPECT_THAT(HuggingFaceConfig(mean), StatusIs(kCant, HasSubstr("mean of the patch tokens")));
}

TEST(Completed, ValuesOfFilesSayWhichKeyTheyAreFrom) {
  const TempFolder folder;
  const auto config = WriteFileDurably(
      folder / "config.json", R"({"architecture": "vit", "model_args": {"num_heads": 3, "img_size": 8}})");
  ASSERT_THAT(config, IsOk());
  ASSERT_THAT(WriteFileDurably(folder / "preprocessor_config.json", R"({"image_mean": [0.5]})"), IsOk());
  const auto found = ReadConfigFiles(folder.path());
  ASSERT_THAT(found, IsOk());
  ImportOptions given;
  given.image_height = 16;
  const auto both = Completed(given, *found);
  EXPECT_EQ(both.Blamed("num_heads"), "config.json: model_args.num_heads");
  EXPECT_EQ(both.Blamed("mean"), "preprocessor_config.json: image_mean");
  EXPECT_EQ(both.Blamed("image_height"), "image_height") << "the importer said it";
  EXPECT_EQ(both.Blamed("std"), "std") << "nobody said it";
}

TEST(Completed, WhatIsGivenCountsForMoreThanWhatIsFound) {
  ImportOptions given, found;
  found.num_heads = 3, found.layer_norm_eps = 1e-12, found.mean = {0.1}, found.image_height = 8;
  given.num_heads = 4, given.mean = {0.2};
  auto both = Completed(given, found);
  EXPECT_EQ(both.num_heads, 4);
  EXPECT_EQ(both.layer_norm_eps, 1e-12);
  EXPECT_THAT(both.mean, ElementsAre(0.2));
  EXPECT_EQ(both.image_height, 8);
  given = {};
  given.preset = "tiny";
  EXPECT_FALSE(Completed(given, found).num_heads.has_value())
      << "a named preset counts for more than the file";
}

}  // namespace
}  // namespace mae
