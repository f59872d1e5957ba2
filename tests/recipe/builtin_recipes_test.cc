#include "recipe/builtin_recipes.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "optim/schedule.h"
#include "recipe/from_model.h"
#include "recipe/recipe_proto.h"
#include "recipe/recipe_yaml.h"
#include "tests/fakes/status_matchers.h"
#include "tests/recipe/recipe_contexts.h"

namespace mae {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::StartsWith;

v1::JobSpec Builtin(const std::string& name) { return Recipe(BuiltinRecipe(name).value()); }

// A recipe, and what it resolves in: the dataset that it names, and for kinds that can't do without a model
// one that the pretraining of its family made.
struct Resolvable {
  v1::JobSpec spec;
  RecipeContext context;
};

Resolvable ResolvableOf(const std::string& name) {
  Resolvable recipe{Builtin(name), {}};
  recipe.context = ContextOfRecipe(recipe.spec);
  if (FromModelField(recipe.spec).empty() || recipe.spec.has_finetune()) return recipe;
  const bool imagenet = recipe.spec.data().dataset() == "imagenet";
  recipe.context.from_model =
      ModelOf(recipe.context, Builtin(imagenet ? "mae-pretrain-base" : "fashion-mnist-pretrain"));
  SetFromModel("m", recipe.spec);
  return recipe;
}

JobOptions OptionsOf(const std::string& name) {
  auto [spec, context] = ResolvableOf(name);
  EXPECT_THAT(Resolve(context, spec), IsEmpty()) << name;
  return OptionsFromSpec(spec).value();
}

const PretrainOptions& Pretrain(const JobOptions& options) { return std::get<PretrainOptions>(options.kind); }
const FinetuneOptions& Finetune(const JobOptions& options) { return std::get<FinetuneOptions>(options.kind); }

// What the tutorial's two jobs share; an optimizer of beta2 0.95 is pretraining's.
EncoderOptions TutorialEncoder() {
  EncoderOptions encoder;
  encoder.channels = 3;
  encoder.image_height = 32;
  encoder.image_width = 32;
  encoder.patch_size = 4;
  encoder.embed_dim = 768;
  encoder.depth = 12;
  encoder.num_heads = 12;
  encoder.mlp_ratio = 4;
  encoder.qkv_bias = true;
  encoder.layer_norm_eps = 1e-6;
  return encoder;
}

void ExpectTutorialData(const JobOptions& options, int64_t batch) {
  const auto& data = options.data;
  EXPECT_EQ(data.dataset, "cifar10");
  EXPECT_EQ(data.batch_size, batch);
  EXPECT_FALSE(data.drop_last);
  EXPECT_EQ(data.train_images, 0);
  EXPECT_EQ(data.validation_images, 0);
  EXPECT_THAT(data.mean, ElementsAre(0.485, 0.456, 0.406));
  EXPECT_THAT(data.std_dev, ElementsAre(0.229, 0.224, 0.225));
  EXPECT_EQ(options.augmentation, AugmentationOptions());
}

OptimizerOptions AdamW(double rate, double beta2, double decay, WeightDecayScope scope) {
  return {rate, 0.9, beta2, 1e-8, decay, scope, 0.0};
}

TEST(BuiltinRecipes, AreTheFilesOfTheRecipeFolderSorted) {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(std::getenv("MAE_SOURCE_DIR")) + "/configs/recipes"))
    files.push_back(entry.path().stem());
  std::sort(files.begin(), files.end());
  EXPECT_EQ(BuiltinRecipeNames(), files);
  EXPECT_THAT(BuiltinRecipeNames(),
              IsSupersetOf({"demo-finetune", "demo-pretrain", "fashion-mnist-finetune",
                            "fashion-mnist-finetune-augmented", "fashion-mnist-pretrain", "tutorial-finetune",
                            "tutorial-pretrain"}));
}

TEST(BuiltinRecipes, UnknownNameIsNotFoundWithTheNearest) {
  EXPECT_THAT(BuiltinRecipe("tutorial-pretrian"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("tutorial-pretrian"), HasSubstr("'tutorial-pretrain'"))));
  EXPECT_THAT(BuiltinRecipe("x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("there are cifar10-small-finetune")));
}

TEST(BuiltinRecipes, EachSaysWhatItIsAndHowToUseIt) {
  for (const auto& name : BuiltinRecipeNames()) {
    const auto yaml = BuiltinRecipe(name).value();
    EXPECT_THAT(yaml, StartsWith("# "));
    EXPECT_THAT(yaml, HasSubstr("--recipe " + name));
  }
}

TEST(BuiltinRecipes, EachResolvesAndResolvingAgainChangesNothing) {
  for (const auto& name : BuiltinRecipeNames()) {
    auto [once, context] = ResolvableOf(name);
    EXPECT_THAT(Resolve(context, once), IsEmpty()) << name;
    auto twice = once;
    EXPECT_THAT(Resolve(context, twice), IsEmpty()) << name;
    EXPECT_TRUE(MessageDifferencer::Equals(once, twice)) << name;
    EXPECT_TRUE(MessageDifferencer::Equals(once, SpecFromOptions(OptionsFromSpec(once).value()))) << name;
    EXPECT_TRUE(MessageDifferencer::Equals(once, Recipe(RecipeToYaml(once)))) << name;
  }
}

TEST(BuiltinRecipes, EachFinetuneStartsFromThePretrainOfItsFamily) {
  for (const std::string family :
       {"tutorial", "fashion-mnist", "demo", "cifar10-small", "icarus-cifar10", "passl"}) {
    auto finetune = Builtin(family + "-finetune");
    auto context = ContextOfRecipe(finetune);
    context.from_model = ModelOf(context, Builtin(family + "-pretrain"));
    finetune.mutable_finetune()->set_from_model("m");
    EXPECT_THAT(Resolve(context, finetune), IsEmpty()) << family;
    auto twice = finetune;
    EXPECT_THAT(Resolve(context, twice), IsEmpty()) << family;
    EXPECT_TRUE(MessageDifferencer::Equals(finetune, twice)) << family;
  }
}

TEST(TutorialPretrain, HasTheNumbersOfTheTutorial) {
  const auto options = OptionsOf("tutorial-pretrain");
  const auto& model = Pretrain(options).model;
  EXPECT_EQ(model.encoder, TutorialEncoder());
  EXPECT_EQ(model.encoder.position_embedding, PositionEmbedding::kSinCos);
  EXPECT_EQ(model.decoder, (DecoderOptions{512, 8, 16}));
  EXPECT_EQ(model.mask_ratio, 0.75);
  EXPECT_FALSE(model.norm_pix_loss);
  EXPECT_EQ(model.visible_patches(), 64 - 48);
  ExpectTutorialData(options, 256);
  EXPECT_EQ(options.optimizer, AdamW(5e-5, 0.95, 1e-4, WeightDecayScope::kAll));
  EXPECT_EQ(options.schedule, (ScheduleOptions{100, 6, 1e-6, 1e-7, ScheduleUnit::kEpoch}));
  EXPECT_EQ(options.precision, Precision::kFp32);
  EXPECT_EQ(options.log_every_steps, 25);
  EXPECT_EQ(options.pictures, 1);
}

TEST(TutorialFinetune, HasTheNumbersOfTheTutorial) {
  const auto options = OptionsOf("tutorial-finetune");
  const auto& model = Finetune(options).model;
  auto encoder = TutorialEncoder();
  encoder.position_embedding = PositionEmbedding::kLearned;
  EXPECT_EQ(model.encoder, encoder);
  EXPECT_EQ(model.num_classes, 10);
  EXPECT_EQ(model.pooling, Pooling::kMean);
  EXPECT_EQ(model.drop_path, 0);
  ExpectTutorialData(options, 64);
  EXPECT_EQ(options.optimizer, AdamW(5e-4, 0.999, 1e-4, WeightDecayScope::kAll));
  EXPECT_EQ(options.schedule, (ScheduleOptions{10, 3, 1e-5, 1e-6, ScheduleUnit::kEpoch}));
  EXPECT_EQ(options.precision, Precision::kFp32);
  EXPECT_EQ(options.log_every_steps, 100);
}

EncoderOptions FashionEncoder() {
  EncoderOptions encoder;
  encoder.channels = 1;
  encoder.image_height = 28;
  encoder.image_width = 28;
  encoder.patch_size = 4;
  encoder.embed_dim = 128;
  encoder.depth = 6;
  encoder.num_heads = 4;
  return encoder;
}

void ExpectFashionData(const DataOptions& data) {
  EXPECT_EQ(data.dataset, "fashion-mnist");
  EXPECT_EQ(data.batch_size, 256);
  EXPECT_EQ(data.train_images, 0);
  EXPECT_EQ(data.validation_images, 0);
  EXPECT_THAT(data.mean, ElementsAre(0.2860));
  EXPECT_THAT(data.std_dev, ElementsAre(0.3530));
}

TEST(FashionMnistPretrain, HasTheNumbersOfItsReference) {
  const auto options = OptionsOf("fashion-mnist-pretrain");
  const auto& model = Pretrain(options).model;
  EXPECT_EQ(model.encoder, FashionEncoder());
  EXPECT_EQ(model.decoder, (DecoderOptions{64, 2, 4}));
  EXPECT_EQ(model.mask_ratio, 0.75);
  EXPECT_FALSE(model.norm_pix_loss);
  ExpectFashionData(options.data);
  EXPECT_EQ(options.augmentation, AugmentationOptions());
  EXPECT_EQ(options.optimizer, AdamW(1.5e-3, 0.95, 0.05, WeightDecayScope::kMatrices));
  EXPECT_EQ(options.schedule, (ScheduleOptions{5, 1, 0, 0, ScheduleUnit::kStep}));
  EXPECT_EQ(options.precision, Precision::kBf16);  // where the device has it
}

TEST(FashionMnistFinetune, HasTheNumbersOfItsReferenceAndLearnsPositionsFromScratch) {
  const auto options = OptionsOf("fashion-mnist-finetune");
  const auto& model = Finetune(options).model;
  auto encoder = FashionEncoder();
  encoder.position_embedding = PositionEmbedding::kLearned;
  EXPECT_EQ(model.encoder, encoder);
  EXPECT_EQ(model.num_classes, 10);
  EXPECT_EQ(model.pooling, Pooling::kMean);
  ExpectFashionData(options.data);
  EXPECT_EQ(options.optimizer, AdamW(1e-3, 0.999, 0.05, WeightDecayScope::kMatrices));
  EXPECT_EQ(options.schedule, (ScheduleOptions{3, 0.5, 0, 0, ScheduleUnit::kStep}));
  EXPECT_EQ(options.precision, Precision::kBf16);  // where the device has it
}

TEST(FashionMnistFinetuneAugmented, IsTheFinetuneWithEverythingOn) {
  const auto plain = OptionsOf("fashion-mnist-finetune");
  const auto options = OptionsOf("fashion-mnist-finetune-augmented");
  const auto& augmentation = options.augmentation;
  EXPECT_TRUE(augmentation.horizontal_flip && augmentation.mixes());
  ASSERT_TRUE(augmentation.random_resized_crop && augmentation.rand_augment && augmentation.random_erasing);
  EXPECT_EQ(*augmentation.rand_augment, (RandAugmentOptions{1, 3.0, 0.5}));
  EXPECT_THAT((std::vector<double>{augmentation.random_resized_crop->scale_min,
                                   augmentation.random_erasing->probability, augmentation.mixup_alpha,
                                   augmentation.cutmix_alpha, augmentation.label_smoothing}),
              ElementsAre(0.9, 0.1, 0.1, 0.1, 0.05));
  auto finetune = Finetune(plain);
  finetune.model.drop_path = 0.02;
  EXPECT_EQ(Finetune(options), finetune);
  EXPECT_EQ(options.data, plain.data);
  EXPECT_EQ(std::pair(options.optimizer.layer_decay, options.optimizer.ema_decay), std::pair(0.9, 0.99));
  EXPECT_EQ(plain.augmentation, AugmentationOptions()) << "off unless asked for";
}

// At each place of the reference, the rate of the recipe. Places are epochs, with their part.
void ExpectReferenceRates(const std::string& recipe, double tolerance = 1e-9) {
  std::ifstream file(std::string(std::getenv("MAE_SOURCE_DIR")) + "/tests/optim/reference/schedules.json");
  const auto options = OptionsOf(recipe);
  const auto reference = nlohmann::json::parse(file);
  constexpr int64_t kSteps = 100;
  for (const auto& place : reference.at(recipe)) {
    const double t = place[0], wanted = place[1];
    const auto epoch = static_cast<int64_t>(t);
    const auto step = std::llround(static_cast<double>(kSteps) * (t - static_cast<double>(epoch)));
    EXPECT_NEAR(LearningRateAt(options.schedule, options.optimizer, epoch, step, kSteps), wanted,
                tolerance * wanted)
        << recipe << " at epoch " << t;
  }
}

TEST(BuiltinRecipes, RatesAreThoseOfTheirSources) {
  for (const char* recipe : {"mae-pretrain-base", "mae-finetune-base", "mae-finetune-large",
                             "mae-linprobe-base", "passl-pretrain"}) {
    ExpectReferenceRates(recipe);
  }
  for (const char* recipe : {"icarus-cifar10-pretrain", "icarus-cifar10-finetune"}) {
    ExpectReferenceRates(recipe, 1e-7);  // their code divides by a sum with 1e-8
  }
}

int64_t ImagesAStep(const JobOptions& options) {
  return options.data.batch_size * options.optimizer.accumulate_steps;
}

TEST(MaePretrain, HasTheNumbersOfThePublicCode) {
  for (const auto& [name, dim, depth, heads, patch] : {std::tuple{"mae-pretrain-base", 768, 12, 12, 16},
                                                       {"mae-pretrain-large", 1024, 24, 16, 16},
                                                       {"mae-pretrain-huge", 1280, 32, 16, 14}}) {
    const auto options = OptionsOf(name);
    const auto& model = Pretrain(options).model;
    EXPECT_EQ(model.encoder.embed_dim, dim);
    EXPECT_EQ(model.encoder.depth, depth);
    EXPECT_EQ(model.encoder.num_heads, heads);
    EXPECT_EQ(model.encoder.patch_size, patch);
    EXPECT_EQ(model.decoder, (DecoderOptions{512, 8, 16}));
    EXPECT_TRUE(model.norm_pix_loss);
    EXPECT_EQ(model.mask_ratio, 0.75);
    EXPECT_EQ(ImagesAStep(options), 4096);
    EXPECT_NEAR(options.optimizer.learning_rate, 2.4e-3, 1e-12);
    EXPECT_EQ(options.optimizer.beta2, 0.95);
    EXPECT_EQ(options.optimizer.weight_decay, 0.05);
    EXPECT_EQ(options.optimizer.weight_decay_scope, WeightDecayScope::kMatrices);
    EXPECT_EQ(options.optimizer.layer_decay, 1.0);
    EXPECT_EQ(options.schedule, (ScheduleOptions{800, 40, 0, 0, ScheduleUnit::kStep}));
    EXPECT_EQ(options.augmentation, (AugmentationOptions{true, RandomResizedCropOptions{0.2}, {}, {}}));
    EXPECT_TRUE(options.data.drop_last);
  }
}

TEST(MaeFinetune, HasTheNumbersOfThePublicCode) {
  for (const auto& [name, rate, epochs, layer_decay, drop_path] :
       {std::tuple{"mae-finetune-base", 2e-3, 100, 0.65, 0.1},
        {"mae-finetune-large", 4e-3, 50, 0.75, 0.2},
        {"mae-finetune-huge", 4e-3, 50, 0.75, 0.3}}) {
    const auto options = OptionsOf(name);
    EXPECT_EQ(ImagesAStep(options), 1024);
    EXPECT_NEAR(options.optimizer.learning_rate, rate, 1e-12);
    EXPECT_EQ(options.optimizer.beta2, 0.999);
    EXPECT_EQ(options.optimizer.weight_decay, 0.05);
    EXPECT_EQ(options.optimizer.layer_decay, layer_decay);
    EXPECT_EQ(Finetune(options).model.drop_path, drop_path);
    EXPECT_EQ(Finetune(options).model.pooling, Pooling::kMean);
    EXPECT_EQ(options.augmentation.label_smoothing, 0.1);
    EXPECT_EQ(options.augmentation.mixup_alpha, 0.8);
    EXPECT_EQ(options.augmentation.cutmix_alpha, 1.0);
    EXPECT_EQ(options.augmentation.rand_augment, (RandAugmentOptions{2, 9.0, 0.5}));
    EXPECT_EQ(options.augmentation.random_erasing->probability, 0.25);
    EXPECT_EQ(options.augmentation.random_resized_crop->scale_min, 0.08);
    EXPECT_EQ(options.augmentation.eval_crop_ratio, 0.875);
    EXPECT_EQ(options.schedule, (ScheduleOptions{epochs, 5, 0, 1e-6, ScheduleUnit::kStep}));
  }
}

TEST(MaeLinprobe, HasTheNumbersOfThePublicCode) {
  for (const auto& [name, epochs] :
       {std::pair{"mae-linprobe-base", 90}, {"mae-linprobe-large", 50}, {"mae-linprobe-huge", 50}}) {
    const auto options = OptionsOf(name);
    const auto& model = std::get<LinearProbeOptions>(options.kind).model;
    EXPECT_EQ(model.pooling, Pooling::kToken);
    EXPECT_TRUE(model.batch_norm_head);
    EXPECT_EQ(model.num_classes, 1000);
    EXPECT_EQ(ImagesAStep(options), 16384);
    EXPECT_EQ(options.optimizer.algorithm, OptimizerAlgorithm::kLars);
    EXPECT_NEAR(options.optimizer.learning_rate, 6.4, 1e-12);
    EXPECT_EQ(options.optimizer.weight_decay, 0);
    EXPECT_EQ(options.optimizer.momentum, 0.9);
    EXPECT_EQ(options.optimizer.trust_coefficient, 1e-3);
    EXPECT_EQ(options.augmentation.eval_crop_ratio, 0.875);
    EXPECT_EQ(options.schedule, (ScheduleOptions{epochs, 10, 0, 0, ScheduleUnit::kStep}));
  }
}

TEST(IcarusCifar10, HasTheNumbersOfItsSource) {
  const auto pretrain = OptionsOf("icarus-cifar10-pretrain"), finetune = OptionsOf("icarus-cifar10-finetune");
  for (const auto& options : {pretrain, finetune}) {
    EXPECT_EQ(options.encoder().embed_dim, 192);
    EXPECT_EQ(options.encoder().num_patches(), 256);
    EXPECT_FALSE(options.encoder().qkv_bias);
    EXPECT_EQ(options.encoder().layer_norm_eps, 1e-5);
    EXPECT_EQ(options.encoder().position_embedding, PositionEmbedding::kLearned);
    EXPECT_EQ(options.optimizer.weight_decay_scope, WeightDecayScope::kAll);
    EXPECT_EQ(options.optimizer.weight_decay, 0.05);
    EXPECT_THAT(options.data.mean, ElementsAre(0.5, 0.5, 0.5));
    EXPECT_FALSE(options.augmentation.horizontal_flip);
    EXPECT_FALSE(options.data.drop_last);
    EXPECT_EQ(options.precision, Precision::kFp32);
    EXPECT_EQ(options.seed, 42u);
  }
  EXPECT_EQ(ImagesAStep(pretrain), 4096);
  EXPECT_EQ(Pretrain(pretrain).model.visible_patches(), 64);
  EXPECT_EQ(Pretrain(pretrain).model.decoder, (DecoderOptions{192, 4, 3}));
  EXPECT_EQ(pretrain.optimizer.beta2, 0.95);
  EXPECT_EQ(finetune.data.batch_size, 128);
  EXPECT_EQ(finetune.optimizer.beta2, 0.999);
  EXPECT_EQ(Finetune(finetune).model.pooling, Pooling::kToken);
}

TEST(Passl, HasTheNumbersOfItsSource) {
  const auto pretrain = OptionsOf("passl-pretrain"), finetune = OptionsOf("passl-finetune");
  EXPECT_EQ(ImagesAStep(pretrain), 1024);
  EXPECT_EQ(pretrain.schedule.cosine_learning_rate, 3.75e-5);
  EXPECT_FALSE(Pretrain(pretrain).model.norm_pix_loss);
  EXPECT_EQ(finetune.optimizer.layer_decay, 1.0);
  for (const auto& options : {pretrain, finetune}) {
    EXPECT_EQ(options.optimizer.learning_rate, 1e-3);
    EXPECT_EQ(options.augmentation,
              (AugmentationOptions{false, RandomResizedCropOptions{0.75, 1, 1, 1}, {}, {}}));
  }
}

TEST(FashionMnistScratch, IsTheFinetuningWithoutAModel) {
  EXPECT_EQ(OptionsOf("fashion-mnist-scratch"), OptionsOf("fashion-mnist-finetune"));
}

TEST(FashionMnistProbes, LookThroughTheEncoderOfThePretraining) {
  EXPECT_EQ(std::get<LinearProbeOptions>(OptionsOf("fashion-mnist-linear-probe").kind).model.pooling,
            Pooling::kMean);
  const auto knn = std::get<KnnProbeOptions>(OptionsOf("fashion-mnist-knn-probe").kind);
  EXPECT_EQ(knn.neighbors, 20);
  EXPECT_EQ(knn.temperature, 0.07);
  EXPECT_FALSE(std::get<EvaluateOptions>(OptionsOf("fashion-mnist-evaluate").kind).on_train_split);
}

}  // namespace
}  // namespace mae
