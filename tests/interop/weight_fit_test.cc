#include "interop/weight_fit.h"

#include <gtest/gtest.h>

#include "checkpoint/model_folder.h"
#include "models/make_module.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Shapes = std::map<std::string, std::vector<int64_t>>;

constexpr auto kUnfit = absl::StatusCode::kInvalidArgument;

std::vector<ModelConfig> AllKinds() {
  std::vector<ModelConfig> configs = {TinyAutoencoder(), TinyAutoencoder(3), TinyClassifier(3)};
  auto& autoencoder = std::get<MaskedAutoencoderOptions>(configs[1].model);
  autoencoder.encoder.qkv_bias = false, autoencoder.encoder.depth = 3;
  autoencoder.encoder.mlp_ratio = 35.0 / 16.0;  // which each width rounds for itself
  autoencoder.decoder = {8, 2, 2};
  for (const int64_t classes : {0, 5}) {
    configs.push_back(TinyClassifier());
    auto& classifier = std::get<VisionTransformerOptions>(configs.back().model);
    classifier.num_classes = classes, classifier.pooling = Pooling::kToken;
    classifier.encoder.position_embedding = PositionEmbedding::kLearned;
  }
  return configs;
}

std::map<std::string, torch::Tensor> WeightsOf(const ModelConfig& config) {
  const auto state = StateOf(*MakeModule(config));
  return {state.begin(), state.end()};
}

TEST(WeightFit, ShapesAreThoseOfTheModule) {
  for (const auto& config : AllKinds()) {
    Shapes made;
    for (const auto& [name, tensor] : WeightsOf(config)) made[name] = tensor.sizes().vec();
    const auto told = ShapesOf(config);
    EXPECT_EQ(Shapes(told.begin(), told.end()), made) << config.kind_name();
    EXPECT_EQ(told.size(), made.size());
    EXPECT_THAT(CheckFit(WeightsOf(config), config, {}), IsOk());
  }
}

TEST(WeightFit, WhatIsMissingOrOfAnotherShapeIsNamedWithBothShapes) {
  const auto config = TinyAutoencoder();
  auto weights = WeightsOf(config);
  weights.erase("blocks.0.norm2.bias");
  weights["decoder_embed.bias"] = torch::zeros({3});
  EXPECT_THAT(CheckFit(weights, config, {}),
              StatusIs(kUnfit, AllOf(HasSubstr("blocks.0.norm2.bias is missing, should be [16]"),
                                     HasSubstr("decoder_embed.bias is [3], should be ["))));
}

TEST(WeightFit, NotAllOfManyAreListed) {
  EXPECT_THAT(CheckFit({}, TinyClassifier(), {}),
              StatusIs(kUnfit, AllOf(HasSubstr("cls_token is missing"), HasSubstr("tensors more"),
                                     Not(HasSubstr("head.bias")))));
}

}  // namespace
}  // namespace mae
