#include "recipe/builtin_recipes.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

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
using testing::StartsWith;

v1::JobSpec Builtin(const std::string& name) { return Recipe(BuiltinRecipe(name).value()); }

JobOptions OptionsOf(const std::string& name) {
  auto spec = Builtin(name);
  EXPECT_THAT(Resolve(ContextOfRecipe(spec), spec), IsEmpty());
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

void ExpectTutorialData(const DataOptions& data, int64_t batch) {
  EXPECT_EQ(data.dataset, "cifar10");
  EXPECT_EQ(data.batch_size, batch);
  EXPECT_FALSE(data.drop_last);
  EXPECT_EQ(data.train_images, 0);
  EXPECT_EQ(data.validation_images, 0);
  EXPECT_THAT(data.mean, ElementsAre(0.485, 0.456, 0.406));
  EXPECT_THAT(data.std_dev, ElementsAre(0.229, 0.224, 0.225));
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
  EXPECT_THAT(BuiltinRecipeNames(), ElementsAre("demo-finetune", "demo-pretrain", "fashion-mnist-finetune",
                                                "fashion-mnist-finetune-augmented", "fashion-mnist-pretrain",
                                                "tutorial-finetune", "tutorial-pretrain"));
}

TEST(BuiltinRecipes, UnknownNameIsNotFoundWithTheNearest) {
  EXPECT_THAT(BuiltinRecipe("tutorial-pretrian"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("tutorial-pretrian"), HasSubstr("'tutorial-pretrain'"))));
  EXPECT_THAT(BuiltinRecipe("x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("there are demo-finetune")));
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
    auto once = Builtin(name);
    const auto context = ContextOfRecipe(once);
    EXPECT_THAT(Resolve(context, once), IsEmpty()) << name;
    auto twice = once;
    EXPECT_THAT(Resolve(context, twice), IsEmpty()) << name;
    EXPECT_TRUE(MessageDifferencer::Equals(once, twice)) << name;
    EXPECT_TRUE(MessageDifferencer::Equals(once, SpecFromOptions(OptionsFromSpec(once).value()))) << name;
    EXPECT_TRUE(MessageDifferencer::Equals(once, Recipe(RecipeToYaml(once)))) << name;
  }
}

TEST(BuiltinRecipes, EachFinetuneStartsFromThePretrainOfItsFamily) {
  for (const std::string family : {"tutorial", "fashion-mnist", "demo"}) {
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
  ExpectTutorialData(options.data, 256);
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
  ExpectTutorialData(options.data, 64);
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
  auto options = OptionsOf("fashion-mnist-finetune-augmented");
  const auto& augmentation = options.augmentation;
  EXPECT_TRUE(augmentation.horizontal_flip && augmentation.mixes());
  ASSERT_TRUE(augmentation.random_resized_crop && augmentation.rand_augment && augmentation.random_erasing);
  EXPECT_EQ(*augmentation.rand_augment, (RandAugmentOptions{2, 5.0, 0.5}));
  EXPECT_EQ(augmentation.random_resized_crop->scale_min, 0.6);
  EXPECT_EQ(augmentation.mixup_alpha, 0.2);
  EXPECT_EQ(augmentation.cutmix_alpha, 1.0);
  EXPECT_EQ(augmentation.label_smoothing, 0.1);
  EXPECT_EQ(Finetune(options).model.drop_path, 0.1);
  std::get<FinetuneOptions>(options.kind).model.drop_path = 0;
  EXPECT_EQ(Finetune(options), Finetune(plain));
  EXPECT_EQ(options.data, plain.data);
  EXPECT_EQ(options.optimizer, plain.optimizer);
  EXPECT_EQ(plain.augmentation, AugmentationOptions()) << "off unless asked for";
}

TEST(DemoRecipes, AreTheFashionMnistRecipesCutShort) {
  const auto pretrain = OptionsOf("demo-pretrain");
  const auto finetune = OptionsOf("demo-finetune");
  EXPECT_EQ(Pretrain(pretrain), Pretrain(OptionsOf("fashion-mnist-pretrain")));
  EXPECT_EQ(Finetune(finetune), Finetune(OptionsOf("fashion-mnist-finetune")));
  for (const auto& options : {pretrain, finetune}) {
    EXPECT_GT(options.data.train_images, 0);
    EXPECT_LT(options.data.train_images, 60000);
    EXPECT_EQ(options.data.validation_images, 2000);
    EXPECT_LE(options.schedule.epochs, 2);
  }
}

}  // namespace
}  // namespace mae
