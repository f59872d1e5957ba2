#include "optim/param_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/masked_autoencoder.h"
#include "models/vision_transformer.h"
#include "tests/optim/reference_run.h"

namespace mae {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSubsetOf;
using ::testing::Not;

EncoderOptions SmallEncoder() {
  EncoderOptions encoder;
  encoder.image_height = encoder.image_width = 8;
  encoder.embed_dim = 16;
  encoder.depth = 2;
  encoder.num_heads = 2;
  return encoder;
}

MaskedAutoencoder SmallAutoencoder() {
  return MaskedAutoencoder(MaskedAutoencoderOptions{SmallEncoder(), {8, 1, 2}});
}
VisionTransformer SmallClassifier() {
  return VisionTransformer(VisionTransformerOptions{SmallEncoder(), 10});
}

OptimizerOptions Decay(double weight_decay, WeightDecayScope scope = WeightDecayScope::kMatrices) {
  OptimizerOptions options;
  options.weight_decay = weight_decay;
  options.weight_decay_scope = scope;
  return options;
}

std::vector<std::string> NamesOf(const ParamGroup& group) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : group.parameters) names.push_back(name);
  return names;
}

TEST(ParamGroups, PretrainingDecaysMatricesAndTokens) {
  const auto model = SmallAutoencoder();
  const auto groups = MakeParamGroups(*model, Decay(0.05), TrainingKind::kPretrain);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].weight_decay, 0.0);
  EXPECT_EQ(groups[1].weight_decay, 0.05);
  const auto plain = NamesOf(groups[0]), decayed = NamesOf(groups[1]);
  const std::vector<std::string> matrices = {"cls_token",
                                             "mask_token",
                                             "patch_embed.proj.weight",
                                             "blocks.0.attn.qkv.weight",
                                             "blocks.1.mlp.fc2.weight",
                                             "decoder_embed.weight",
                                             "decoder_blocks.0.attn.proj.weight",
                                             "decoder_pred.weight"};
  EXPECT_THAT(matrices, IsSubsetOf(decayed));
  const std::vector<std::string> vectors = {
      "patch_embed.proj.bias",         "blocks.0.norm1.weight", "blocks.0.norm1.bias",
      "blocks.1.attn.qkv.bias",        "norm.weight",           "decoder_norm.weight",
      "decoder_blocks.0.mlp.fc1.bias", "decoder_pred.bias"};
  EXPECT_THAT(vectors, IsSubsetOf(plain));
}

TEST(ParamGroups, FrozenPositionsAreInNoGroup) {
  const auto model = SmallAutoencoder();
  size_t grouped = 0, trainable = 0;
  for (const auto& group : MakeParamGroups(*model, Decay(0.05), TrainingKind::kPretrain)) {
    EXPECT_THAT(NamesOf(group), Not(Contains("pos_embed")));
    EXPECT_THAT(NamesOf(group), Not(Contains("decoder_pos_embed")));
    grouped += group.parameters.size();
  }
  for (const auto& parameter : model->parameters()) trainable += parameter.requires_grad() ? 1 : 0;
  EXPECT_EQ(grouped, trainable);
  EXPECT_EQ(trainable, model->parameters().size() - 2);
}

TEST(ParamGroups, FinetuningLeavesOutClassTokenAndPositions) {
  const auto model = SmallClassifier();
  const auto groups = MakeParamGroups(*model, Decay(0.05), TrainingKind::kFinetune);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_THAT(NamesOf(groups[0]), Contains("cls_token"));
  EXPECT_THAT(NamesOf(groups[0]), Contains("pos_embed"));
  EXPECT_THAT(NamesOf(groups[0]), Contains("fc_norm.weight"));
  EXPECT_THAT(NamesOf(groups[1]), Contains("head.weight"));
  EXPECT_EQ(groups[0].parameters.size() + groups[1].parameters.size(), model->parameters().size());
}

TEST(ParamGroups, ScopeAllMakesOneGroupOfEveryTrainableParameter) {
  const auto model = SmallClassifier();
  const auto groups = MakeParamGroups(*model, Decay(1e-4, WeightDecayScope::kAll), TrainingKind::kFinetune);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].weight_decay, 1e-4);
  EXPECT_EQ(groups[0].parameters.size(), model->parameters().size());
}

TEST(ParamGroups, OrderIsThatOfRegistration) {
  const auto model = SmallAutoencoder();
  const auto names = NamesOf(MakeParamGroups(*model, Decay(0.05), TrainingKind::kPretrain)[1]);
  const auto place = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  EXPECT_EQ(place("cls_token"), 0);
  EXPECT_LT(place("blocks.0.attn.qkv.weight"), place("blocks.1.attn.qkv.weight"));
  EXPECT_LT(place("blocks.1.mlp.fc2.weight"), place("decoder_pred.weight"));
}

// Every parameter's group is the one that timm gives it.
void ExpectReferenceGroups(const std::string& reference, Pooling pooling, double layer_decay) {
  auto model = ReferenceRun().Model(pooling);
  auto options = Decay(ReferenceRun::kWeightDecay);
  options.layer_decay = layer_decay;
  auto wanted = ReferenceJson("groups").at(reference);
  for (const auto& group : MakeParamGroups(*model, options, TrainingKind::kFinetune)) {
    for (const auto& [name, parameter] : group.parameters) {
      ASSERT_TRUE(wanted.contains(name)) << name;
      EXPECT_EQ(group.weight_decay, wanted.at(name).at("weight_decay").get<double>()) << name;
      // timm has come to count a last norm as a layer of its own; the public MAE code takes it with the head.
      const bool is_last_norm = name == "norm.weight" || name == "norm.bias";
      const double scale = is_last_norm ? 1.0 : wanted.at(name).at("scale").get<double>();
      EXPECT_NEAR(group.learning_rate_scale, scale, 1e-12) << name;
      wanted.erase(name);
    }
  }
  EXPECT_TRUE(wanted.empty()) << wanted.dump();
}

TEST(ParamGroups, LayerDecayIsTimms) {
  ExpectReferenceGroups("layer_decay_avg", Pooling::kMean, ReferenceRun::kLayerDecay);
  ExpectReferenceGroups("layer_decay_token", Pooling::kToken, ReferenceRun::kLayerDecay);
}

TEST(ParamGroups, WeightDecayIsTimms) {
  ExpectReferenceGroups("weight_decay_avg", Pooling::kMean, 1.0);
  ExpectReferenceGroups("weight_decay_token", Pooling::kToken, 1.0);
}

TEST(ParamGroups, LayerDecayNamesGroupsInTheOrderTheyAreMet) {
  const auto model = SmallClassifier();
  auto options = Decay(0.05);
  options.layer_decay = 0.5;
  const auto groups = MakeParamGroups(*model, options, TrainingKind::kFinetune);
  std::vector<std::string> names;
  std::vector<double> scales;
  for (const auto& group : groups) {
    names.push_back(group.name);
    scales.push_back(group.learning_rate_scale);
  }
  EXPECT_THAT(names, ElementsAre("layer_0_no_decay", "layer_0_decay", "layer_1_no_decay", "layer_1_decay",
                                 "layer_2_no_decay", "layer_2_decay", "layer_3_no_decay", "layer_3_decay"));
  EXPECT_THAT(scales, ElementsAre(0.125, 0.125, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0));
}

TEST(ParamGroups, LayersOfATwelveBlockEncoder) {
  EXPECT_EQ(LayerOf("cls_token", 12), 0);
  EXPECT_EQ(LayerOf("pos_embed", 12), 0);
  EXPECT_EQ(LayerOf("patch_embed.proj.weight", 12), 0);
  EXPECT_EQ(LayerOf("blocks.0.norm1.weight", 12), 1);
  EXPECT_EQ(LayerOf("blocks.11.mlp.fc2.bias", 12), 12);
  EXPECT_EQ(LayerOf("norm.weight", 12), 13);
  EXPECT_EQ(LayerOf("fc_norm.bias", 12), 13);
  EXPECT_EQ(LayerOf("head.weight", 12), 13);
}

TEST(ParamGroups, DropPathRisesByBlockAsTimmsDoes) {
  auto options = VisionTransformerOptions{SmallEncoder(), 10, Pooling::kMean, 0.1};
  options.encoder.depth = 12;
  const VisionTransformer model(options);
  const auto wanted = ReferenceJson("groups").at("drop_path").get<std::vector<double>>();
  ASSERT_EQ(wanted.size(), 12U);
  for (size_t block = 0; block < wanted.size(); ++block) {
    const auto module = model->named_modules()["blocks." + std::to_string(block) + ".drop_path"];
    EXPECT_NEAR(module->as<DropPath>()->rate(), wanted[block], 1e-7) << block;
  }
}

}  // namespace
}  // namespace mae
