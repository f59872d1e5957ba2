#include "recipe/recipe_defaults.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/recipe/recipe_contexts.h"

namespace mae {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// The spec of a recipe in YAML, filled; nothing may be wrong with it.
v1::JobSpec Filled(const RecipeContext& context, const std::string& yaml) {
  auto spec = Recipe(yaml);
  ViolationList violations;
  FillDefaults(context, spec, violations);
  EXPECT_TRUE(violations.empty());
  return spec;
}

RecipeContext FashionContextWith(const std::string& pretrain) {
  auto context = FashionContext();
  context.from_model = ModelOf(context, Recipe(pretrain));
  return context;
}

TEST(RecipeDefaults, PrecisionIsTheDevicesFastestUnlessTheSpecSaysIt) {
  auto context = CifarContext();
  EXPECT_EQ(Filled(context, "pretrain: {}").precision(), v1::PRECISION_BF16);
  context.precision = Precision::kFp32;
  EXPECT_EQ(Filled(context, "pretrain: {}").precision(), v1::PRECISION_FP32);
  EXPECT_EQ(Filled(context, "pretrain: {}\nprecision: bf16").precision(), v1::PRECISION_BF16);
}

TEST(RecipeDefaults, PretrainingTakesTheDefaultsThatTheProtoStates) {
  const auto spec = Filled(CifarContext(), "pretrain: {}");
  EXPECT_TRUE(MessageDifferencer::Equals(spec, Recipe(R"(
pretrain:
  model:
    preset: tiny
    image_height: 32
    image_width: 32
    channels: 3
    patch_size: 4
    embed_dim: 192
    depth: 12
    num_heads: 3
    mlp_ratio: 4
    qkv_bias: true
    layer_norm_eps: 1e-6
    position_embedding: sincos
    decoder: {embed_dim: 128, depth: 4, num_heads: 4}
  mask_ratio: 0.75
data:
  batch_size: 256
  workers: 1
  mean: [0.4914, 0.4822, 0.4465]
  std: [0.2470, 0.2435, 0.2616]
augmentation: {mix_switch_probability: 0.5, eval_crop_ratio: 1}
optimizer:
  learning_rate: 1e-3
  beta1: 0.9
  beta2: 0.95
  epsilon: 1e-8
  weight_decay: 0.05
  weight_decay_scope: matrices
  algorithm: adamw
  momentum: 0.9
  trust_coefficient: 1e-3
  layer_decay: 1
  accumulate_steps: 1
schedule: {unit: step, shape: warmup_cosine}
precision: bf16
checkpoint: {every_epochs: 1, keep_last: 2}
safety: {skip_limit: 10, rollback_limit: 3, rollback_learning_rate_factor: 0.5}
publish: {}
resources: {device: auto, cuda_graphs: true, launcher: local, processes: 1, max_restarts: 3, rank_timeout_seconds: 300}
logging: {every_steps: 25, pictures: 6, tensorboard: true, histogram_every_epochs: 1}
)"))) << spec.DebugString();
}

TEST(RecipeDefaults, FineTuningFromScratchLearnsPositionsAndCountsTheClasses) {
  const auto spec = Filled(FashionContext(), "finetune: {}");
  EXPECT_EQ(spec.finetune().model().position_embedding(), v1::POSITION_EMBEDDING_LEARNED);
  EXPECT_FALSE(spec.finetune().model().has_decoder());
  EXPECT_EQ(spec.finetune().num_classes(), 10);
  EXPECT_EQ(spec.finetune().pooling(), v1::POOLING_MEAN);
  EXPECT_EQ(spec.optimizer().beta2(), 0.999);
  EXPECT_THAT(spec.data().mean(), ElementsAre(0.2860));
}

TEST(RecipeDefaults, FineTuningFollowsThePretrainedEncoder) {
  const auto context = FashionContextWith(
      "pretrain: {model: {preset: nano, depth: 3, patch_size: 7, mlp_ratio: 2, qkv_bias: false,"
      " layer_norm_eps: 1e-5}}\ndata: {mean: [0.1], std: [0.2]}\nschedule: {epochs: 1}");
  const auto spec = Filled(context, "finetune: {from_model: m}");
  const auto& model = spec.finetune().model();
  EXPECT_EQ(model.preset(), "");
  EXPECT_EQ(model.embed_dim(), 128);
  EXPECT_EQ(model.depth(), 3);
  EXPECT_EQ(model.num_heads(), 4);
  EXPECT_EQ(model.patch_size(), 7);
  EXPECT_EQ(model.mlp_ratio(), 2);
  EXPECT_FALSE(model.qkv_bias());
  EXPECT_EQ(model.layer_norm_eps(), 1e-5);
  EXPECT_EQ(model.position_embedding(), v1::POSITION_EMBEDDING_SINCOS);
  EXPECT_THAT(spec.data().mean(), ElementsAre(0.1));
  EXPECT_THAT(spec.data().std(), ElementsAre(0.2));
}

TEST(RecipeDefaults, WhatIsSetStandsAgainstEverySource) {
  const auto context = FashionContextWith("pretrain: {model: {preset: nano}}\nschedule: {epochs: 1}");
  const std::string yaml =
      "finetune:\n  from_model: m\n  model: {preset: small, image_height: 1, image_width: 2, channels: 3,"
      " patch_size: 5, embed_dim: 6, depth: 7, num_heads: 8, mlp_ratio: 9, qkv_bias: false, layer_norm_eps: "
      "0.1,"
      " position_embedding: learned}\n  pooling: token\n  num_classes: 77\n"
      "  position_resampling: bicubic_antialiased\n"
      "data: {batch_size: 1, workers: 2, mean: [0.9], std: [0.8]}\n"
      "optimizer: {learning_rate: 1, beta1: 0, beta2: 0, epsilon: 1, weight_decay: 0, weight_decay_scope: "
      "all, algorithm: sgd, momentum: 0, trust_coefficient: 1, layer_decay: 0.5, accumulate_steps: 2}\n"
      "augmentation: {mix_switch_probability: 0, eval_crop_ratio: 0.875, rand_augment: {num_ops: 1, "
      "magnitude: 0, "
      "magnitude_std: 0}, random_erasing: {probability: 0, area_min: 0.1, area_max: 0.2, ratio_min: 1, "
      "ratio_max: "
      "2}, random_resized_crop: {scale_min: 0.3, scale_max: 0.4, ratio_min: 1, ratio_max: 2, interpolation: "
      "bilinear}}\n"
      "schedule: {unit: epoch, shape: capped_cosine}\nprecision: fp32\ncheckpoint: {every_epochs: 3, "
      "keep_last: 4}\n"
      "safety: {skip_limit: 1, rollback_limit: 0, rollback_learning_rate_factor: 1}\n"
      "resources: {device: cpu, cuda_graphs: false, launcher: slurm, processes: 2, max_restarts: 0, "
      "rank_timeout_seconds: 9}\n"
      "logging: {every_steps: 1, pictures: 0, tensorboard: false, "
      "histogram_every_epochs: 7}\n";
  auto expected = Recipe(yaml);
  expected.mutable_publish();
  EXPECT_TRUE(MessageDifferencer::Equals(Filled(context, yaml), expected));
}

TEST(RecipeDefaults, ContextOfAModelThatTheSpecDoesNotNameIsNotUsed) {
  const auto context = FashionContextWith("pretrain: {model: {preset: nano}}\nschedule: {epochs: 1}");
  EXPECT_EQ(Filled(context, "finetune: {}").finetune().model().preset(), "tiny");
}

TEST(RecipeDefaults, PresetIsNotNamedWhereEverySizeIsGiven) {
  const auto spec = Filled(FashionContext(), "finetune: {model: {embed_dim: 8, depth: 1, num_heads: 2}}");
  EXPECT_EQ(spec.finetune().model().preset(), "");
  const auto missing_decoder =
      Filled(FashionContext(), "pretrain: {model: {embed_dim: 8, depth: 1, num_heads: 2}}");
  EXPECT_EQ(missing_decoder.pretrain().model().preset(), "tiny");
  EXPECT_EQ(missing_decoder.pretrain().model().embed_dim(), 8);
}

TEST(RecipeDefaults, PatchDividesTheImage) {
  const auto patch = [](const std::string& preset, int64_t height, int64_t width) {
    const auto spec = Filled(ContextOf(3, height, width), "pretrain: {model: {preset: " + preset + "}}");
    return spec.pretrain().model().patch_size();
  };
  EXPECT_EQ(patch("base", 224, 224), 16);
  EXPECT_EQ(patch("huge", 224, 224), 14);
  EXPECT_EQ(patch("base", 64, 64), 4);
  EXPECT_EQ(patch("base", 96, 64), 16);
  EXPECT_EQ(patch("base", 30, 30), 3);
  EXPECT_EQ(patch("base", 100, 100), 10);
  EXPECT_EQ(patch("base", 28, 30), 2);
  EXPECT_EQ(patch("base", 31, 31), 4);  // none divides; the check of limits then says which do
}

TEST(RecipeDefaults, UnknownPresetIsReportedWithTheNearest) {
  for (const std::string kind : {"pretrain", "finetune"}) {
    auto spec = Recipe(kind + ": {model: {preset: bsae}}");
    ViolationList violations;
    FillDefaults(FashionContext(), spec, violations);
    const auto found = violations.Take();
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].field, kind + ".model.preset");
    EXPECT_THAT(found[0].description,
                AllOf(HasSubstr("\"bsae\""), HasSubstr("nano, tiny"), HasSubstr("'base'")));
  }
}

TEST(RecipeDefaults, SpecWithoutKindAndUnknownModelAreReported) {
  v1::JobSpec spec;
  ViolationList violations;
  FillDefaults(FashionContext(), spec, violations);
  auto from_nowhere = Recipe("finetune: {from_model: nowhere}");
  FillDefaults(FashionContext(), from_nowhere, violations);
  const auto found = violations.Take();
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].field, "kind");
  EXPECT_EQ(found[1].field, "finetune.from_model");
  EXPECT_THAT(found[1].description, HasSubstr("\"nowhere\""));
}

TEST(RecipeDefaults, ABaseLearningRateIsForTheImagesOfAStep) {
  const auto spec =
      Filled(FashionContext(),
             "pretrain: {}\ndata: {batch_size: 512}\n"
             "optimizer: {base_learning_rate: 1.5e-4, accumulate_steps: 8}\nschedule: {epochs: 1}");
  EXPECT_DOUBLE_EQ(spec.optimizer().learning_rate(), 2.4e-3);
}

TEST(RecipeDefaults, ALinearProbeIsTheOfficialOne) {
  const auto context = FashionContextWith("pretrain: {model: {preset: nano}}\nschedule: {epochs: 1}");
  const auto spec = Filled(context, "linear_probe: {from_model: m}\ndata: {batch_size: 512}");
  EXPECT_EQ(spec.linear_probe().pooling(), v1::POOLING_TOKEN);
  EXPECT_EQ(spec.linear_probe().num_classes(), 10);
  EXPECT_EQ(spec.optimizer().algorithm(), v1::OPTIMIZER_ALGORITHM_LARS);
  EXPECT_DOUBLE_EQ(spec.optimizer().learning_rate(), 0.2);
  EXPECT_EQ(spec.optimizer().weight_decay(), 0);
  EXPECT_EQ(spec.optimizer().momentum(), 0.9);
  // Its rate is for LARS alone.
  const auto adamw = Filled(context, "linear_probe: {from_model: m}\noptimizer: {algorithm: adamw}");
  EXPECT_EQ(adamw.optimizer().base_learning_rate(), 0);
  EXPECT_EQ(adamw.optimizer().learning_rate(), 1e-3);
}

TEST(RecipeDefaults, AProbeSeesPixelsAsItsModelDoes) {
  const auto context = FashionContextWith(
      "pretrain: {model: {preset: nano}}\ndata: {mean: [0.1], std: [0.2]}\nschedule: {epochs: 1}");
  for (const char* kind : {"linear_probe", "knn_probe", "evaluate"}) {
    const auto spec = Filled(context, std::string(kind) + ": {from_model: m}");
    EXPECT_THAT(spec.data().mean(), ElementsAre(0.1)) << kind;
    EXPECT_THAT(spec.data().std(), ElementsAre(0.2)) << kind;
  }
}

TEST(RecipeDefaults, KindsThatOnlyMeasureNeedNoEpochs) {
  const auto context = FashionContextWith("pretrain: {model: {preset: nano}}\nschedule: {epochs: 1}");
  const auto knn = Filled(context, "knn_probe: {from_model: m}");
  EXPECT_EQ(knn.schedule().epochs(), 1);
  EXPECT_EQ(knn.knn_probe().neighbors(), 20);
  EXPECT_EQ(knn.knn_probe().temperature(), 0.07);
  EXPECT_EQ(knn.knn_probe().pooling(), v1::POOLING_MEAN);
  EXPECT_EQ(Filled(context, "evaluate: {from_model: m}").evaluate().split(), v1::EVALUATION_SPLIT_VALIDATION);
}

}  // namespace
}  // namespace mae
