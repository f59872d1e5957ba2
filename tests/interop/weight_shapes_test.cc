#include "interop/weight_shapes.h"

#include <gtest/gtest.h>

#include "checkpoint/model_folder.h"
#include "models/masked_autoencoder.h"
#include "models/vision_transformer.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr auto kBadShape = absl::StatusCode::kInvalidArgument;

EncoderOptions SmallEncoder() {
  EncoderOptions encoder;
  encoder.channels = 1, encoder.image_height = encoder.image_width = 8, encoder.patch_size = 2;
  encoder.embed_dim = 16, encoder.depth = 2, encoder.num_heads = 4, encoder.mlp_ratio = 2;
  return encoder;
}

NamedTensors WeightsOf(const MaskedAutoencoderOptions& options) {
  return StateOf(*std::make_shared<MaskedAutoencoderImpl>(options));
}
NamedTensors WeightsOf(const VisionTransformerOptions& options) {
  return StateOf(*std::make_shared<VisionTransformerImpl>(options));
}

ImportOptions Heads(int64_t heads, int64_t decoder_heads = 2) {
  ImportOptions options;
  options.num_heads = heads, options.decoder_num_heads = decoder_heads;
  options.mean = {0.5}, options.std_dev = {0.25};
  return options;
}

TEST(WeightShapes, TellAnAutoencoderWhole) {
  for (const bool bias : {true, false}) {
    MaskedAutoencoderOptions mae{SmallEncoder(), {8, 3, 2}, 0.75, false};
    mae.encoder.qkv_bias = bias;
    const auto described = DescribeWeights(WeightsOf(mae), Heads(4));
    ASSERT_THAT(described, IsOk());
    EXPECT_EQ(std::get<MaskedAutoencoderOptions>(described->config.model), mae);
    EXPECT_THAT(described->remarks, IsEmpty());
  }
}

// 35 and 17.5 of the widths: each stack rounds its own.
TEST(WeightShapes, TheDecodersHiddenWidthIsRounded) {
  MaskedAutoencoderOptions mae{SmallEncoder(), {8, 3, 2}};
  mae.encoder.mlp_ratio = 35.0 / 16.0;
  EXPECT_THAT(DescribeWeights(WeightsOf(mae), Heads(4)), IsOk());
}

TEST(WeightShapes, TellClassifiersByTheirNorm) {
  for (const auto pooling : {Pooling::kMean, Pooling::kToken}) {
    VisionTransformerOptions vit{SmallEncoder(), 5, pooling};
    vit.encoder.position_embedding = PositionEmbedding::kLearned;
    const auto described = DescribeWeights(WeightsOf(vit), Heads(4));
    ASSERT_THAT(described, IsOk());
    EXPECT_EQ(std::get<VisionTransformerOptions>(described->config.model), vit);
  }
}

TEST(WeightShapes, AnEncoderAloneIsAClassifierOfNoClasses) {
  auto weights = WeightsOf(MaskedAutoencoderOptions{SmallEncoder(), {8, 3, 2}});
  std::erase_if(weights,
                [](const auto& w) { return w.first.starts_with("decoder") || w.first == "mask_token"; });
  const auto described = DescribeWeights(weights, Heads(4));
  ASSERT_THAT(described, IsOk());
  const auto& vit = std::get<VisionTransformerOptions>(described->config.model);
  EXPECT_EQ(vit.num_classes, 0);
  EXPECT_EQ(vit.pooling, Pooling::kToken);
}

TEST(WeightShapes, WhatPretrainingLeftInAClassifierIsLeftOut) {
  auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 5, Pooling::kMean});
  weights.emplace_back("norm.weight", torch::ones({16}));
  weights.emplace_back("mask_token", torch::ones({1, 1, 8}));
  const auto described = DescribeWeights(weights, Heads(4));
  ASSERT_THAT(described, IsOk());
  EXPECT_THAT(described->ignored, SizeIs(2));
}

TEST(WeightShapes, HeadsComeFromAPresetOfTheSameSizeOrAreAskedFor) {
  EXPECT_THAT(DescribeWeights(WeightsOf(VisionTransformerOptions{SmallEncoder(), 5}), {}),
              StatusIs(kBadShape, HasSubstr("num_heads: ")));
  auto tiny = SmallEncoder();
  tiny.embed_dim = 192, tiny.depth = 12, tiny.num_heads = 3, tiny.mlp_ratio = 1;
  auto options = Heads(0);
  options.num_heads.reset();
  const auto described = DescribeWeights(WeightsOf(VisionTransformerOptions{tiny, 5}), options);
  ASSERT_THAT(described, IsOk());
  EXPECT_EQ(described->config.encoder().num_heads, 3);
  ASSERT_THAT(described->remarks, SizeIs(1));
  EXPECT_THAT(described->remarks[0], HasSubstr("preset tiny"));
  options.preset = "base";
  EXPECT_THAT(DescribeWeights(WeightsOf(VisionTransformerOptions{tiny, 5}), options),
              StatusIs(kBadShape, HasSubstr("preset: base is 768 wide")));
  options.preset = "bass";
  EXPECT_THAT(DescribeWeights(WeightsOf(VisionTransformerOptions{tiny, 5}), options),
              StatusIs(kBadShape, HasSubstr("'bass' is none of")));
}

TEST(WeightShapes, GridsThatAreNoSquareAreAskedFor) {
  auto encoder = SmallEncoder();
  encoder.image_width = 12;
  const auto weights = WeightsOf(VisionTransformerOptions{encoder, 5});
  EXPECT_THAT(DescribeWeights(weights, Heads(4)),
              StatusIs(kBadShape, HasSubstr("image_height: pos_embed has 24")));
  auto options = Heads(4);
  options.image_height = 8, options.image_width = 12;
  ASSERT_THAT(DescribeWeights(weights, options), IsOk());
  options.image_width = 16;
  EXPECT_THAT(DescribeWeights(weights, options), StatusIs(kBadShape, HasSubstr("makes 32 patches")));
  options.image_width.reset();
  EXPECT_THAT(DescribeWeights(weights, options), StatusIs(kBadShape, HasSubstr("8x8 in patches of 2")));
  EXPECT_THAT(DescribeWeights(WeightsOf(VisionTransformerOptions{SmallEncoder(), 5}), options), IsOk());
  // 8 x (2^61 + 3) patches, which are 24 in 64 bits.
  options.image_height = 16, options.image_width = (int64_t{1} << 62) + 6;
  EXPECT_THAT(DescribeWeights(weights, options), StatusIs(kBadShape, HasSubstr("a side has 1 to 4096")));
}

TEST(WeightShapes, StatisticsAndLabelsFitTheModel) {
  auto options = Heads(4);
  options.mean = {};
  const auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  EXPECT_THAT(DescribeWeights(weights, options), StatusIs(kBadShape, HasSubstr("mean: ")));
  options.mean = {0.5};
  options.labels = {"a", "b", "c"};
  EXPECT_THAT(DescribeWeights(weights, options), StatusIs(kBadShape, HasSubstr("labels: 3 names for 2")));
  options.labels = {"a", "b"};
  EXPECT_THAT(DescribeWeights(weights, options), IsOk());
}

TEST(WeightShapes, WeightsOfOtherModelsAreRefusedByName) {
  auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  weights.emplace_back("blocks2.0.gamma", torch::ones({16}));
  EXPECT_THAT(DescribeWeights(weights, Heads(4)), StatusIs(kBadShape, HasSubstr("blocks2.0.gamma")));
  EXPECT_THAT(DescribeWeights({{"conv1.weight", torch::ones({1})}}, {}),
              StatusIs(kBadShape, HasSubstr("patch_embed.proj.weight")));
}

// Each would have the model built far larger than the file.
TEST(WeightShapes, NoModelIsLargerThanItsWeights) {
  auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  auto far = weights;
  far.emplace_back("blocks.200.norm1.weight", torch::ones({16}));
  EXPECT_THAT(DescribeWeights(far, Heads(4)),
              StatusIs(kBadShape, HasSubstr("blocks.2.*: are missing, while block 200")));
  for (auto& [name, tensor] : weights) {
    if (name == "head.weight") tensor = torch::empty({1'000'000, 0});
  }
  EXPECT_THAT(DescribeWeights(weights, Heads(4)),
              StatusIs(kBadShape, HasSubstr("head.weight is [1000000,0], should be [1000000,16]")));
  for (auto& [name, tensor] : weights) {
    if (name == "blocks.0.attn.qkv.weight") tensor = torch::empty({0, int64_t{1} << 40});
  }
  EXPECT_THAT(DescribeWeights(weights, Heads(4)), StatusIs(kBadShape));
}

TEST(WeightShapes, SizesThatDoNotFitAreRefused) {
  const auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  EXPECT_THAT(DescribeWeights(weights, Heads(5)),
              StatusIs(kBadShape, StartsWith("num_heads: 5 does not divide the width of the weights, 16")));
  EXPECT_THAT(DescribeWeights(weights, Heads(0)), StatusIs(kBadShape, StartsWith("num_heads: 0")));
  const auto mae = WeightsOf(MaskedAutoencoderOptions{SmallEncoder(), {8, 3, 2}});
  EXPECT_THAT(DescribeWeights(mae, Heads(4, 3)),
              StatusIs(kBadShape, StartsWith("decoder_num_heads: 3 does not divide")));
  auto options = Heads(4);
  options.image_height = 9, options.image_width = 8;
  EXPECT_THAT(DescribeWeights(weights, options),
              StatusIs(kBadShape, StartsWith("image_height: 9x8 is not whole patches of 2")));
}

TEST(WeightShapes, AFaultOfAFileIsNotBlamedOnAnOption) {
  const auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  auto options = Heads(5);
  options.image_height = 16, options.labels = {"a", "b", "c"};
  options.origins = {{"num_heads", "config.json: num_attention_heads"},
                     {"image_height", "config.json: image_size"},
                     {"std", "preprocessor_config.json: image_std"},
                     {"labels", "config.json: id2label"}};
  EXPECT_THAT(DescribeWeights(weights, options),
              StatusIs(kBadShape, StartsWith("config.json: image_size: 16x16 in patches of 2")));
  options.image_height.reset();
  EXPECT_THAT(DescribeWeights(weights, options),
              StatusIs(kBadShape, StartsWith("config.json: num_attention_heads: 5 does not")));
  options.num_heads = 4, options.std_dev = {0.5, 0.5};
  EXPECT_THAT(DescribeWeights(weights, options),
              StatusIs(kBadShape, StartsWith("preprocessor_config.json: image_std: ")));
  options.std_dev = {0.5};
  EXPECT_THAT(DescribeWeights(weights, options),
              StatusIs(kBadShape, StartsWith("config.json: id2label: 3 names for 2")));
}

// No file said them: the shapes do.
TEST(WeightShapes, SizesOfTheShapesAreNotBlamedOnAConfig) {
  auto wide = SmallEncoder();
  wide.channels = 17;
  auto options = Heads(4);
  options.mean = std::vector<double>(17, 0.5), options.std_dev = options.mean;
  EXPECT_THAT(DescribeWeights(WeightsOf(VisionTransformerOptions{wide, 2}), options),
              StatusIs(kBadShape, AllOf(HasSubstr("channels: 17"), Not(HasSubstr("config.json")))));
}

TEST(WeightShapes, AFirstBlockWithoutItsBiasIsNoModelWithoutBiases) {
  auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  std::erase_if(weights, [](const auto& w) { return w.first == "blocks.0.attn.qkv.bias"; });
  EXPECT_THAT(DescribeWeights(weights, Heads(4)),
              StatusIs(kBadShape, HasSubstr("blocks.0.attn.qkv.bias is missing, should be [48]")));
}

TEST(WeightShapes, ATensorOfNoSuchFormIsToldItsOwn) {
  auto weights = WeightsOf(VisionTransformerOptions{SmallEncoder(), 2});
  for (auto& [name, tensor] : weights) {
    if (name == "patch_embed.proj.weight") tensor = torch::zeros({16, 4});
  }
  EXPECT_THAT(DescribeWeights(weights, Heads(4)),
              StatusIs(kBadShape, HasSubstr("tensor patch_embed.proj.weight: is [16,4]; should be "
                                            "[embed_dim,channels,patch,patch]")));
}

}  // namespace
}  // namespace mae
