#include "recipe/recipe_check.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "recipe/recipe_proto.h"
#include "recipe/recipe_yaml.h"
#include "tests/fakes/status_matchers.h"
#include "tests/recipe/changed_recipes.h"

namespace mae {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(ResolveSpec, ModelOutsideItsLimitsIsRefused) {
  ExpectEachRefused(
      FashionContext(), kPretrain,
      {{"pretrain.model.patch_size=0", "pretrain.model.patch_size", "is 0; must be from 1"},
       {"pretrain.model.num_heads=3", "pretrain.model.num_heads", "is 3; must divide embed_dim 128"},
       {"pretrain.model.num_heads=0", "pretrain.model.num_heads", "is 0; must be from 1"},
       {"pretrain.model.depth=0", "pretrain.model.depth", "is 0; must be from 1 to 256"},
       {"pretrain.model.depth=257", "pretrain.model.depth", "is 257"},
       {"pretrain.model.embed_dim=-4", "pretrain.model.embed_dim", "is -4; must be from 4 to 16384"},
       {"pretrain.model={embed_dim: 30, num_heads: 3}", "pretrain.model.embed_dim", "multiple of 4"},
       {"pretrain.model.mlp_ratio=0", "pretrain.model.mlp_ratio", "is 0; must be 0.25 or more"},
       {"pretrain.model.layer_norm_eps=0", "pretrain.model.layer_norm_eps", "above 0"},
       {"pretrain.model.decoder.num_heads=5", "pretrain.model.decoder.num_heads", "must divide embed_dim 64"},
       {"pretrain.model.decoder.depth=0", "pretrain.model.decoder.depth", "is 0; must be from 1"},
       {"pretrain.model={embed_dim: 16384, depth: 64}", "pretrain.model.embed_dim", "at most 2000000000"},
       {"pretrain.model.channels=3", "pretrain.model.channels",
        "is 3, but the images of dataset fashion-mnist"},
       {"pretrain.model.image_width=32", "pretrain.model.image_width", "is 32, but the images"},
       {"pretrain.mask_ratio=0", "pretrain.mask_ratio", "is 0; must be above 0 and below 1"},
       {"pretrain.mask_ratio=1", "pretrain.mask_ratio", "is 1; must be above 0 and below 1"},
       {"pretrain.mask_ratio=-0.5", "pretrain.mask_ratio", "is -0.5; must be above 0"},
       {"pretrain.mask_ratio=0.99", "pretrain.mask_ratio", "leaves 0 of 49 patches visible"}});
}

TEST(ResolveSpec, PatchThatDividesNeitherSideNamesBothAndTheOnesThatDo) {
  auto spec = Recipe(kPretrain);
  EXPECT_THAT(Resolve(ContextOf(1, 29, 58), spec),
              ElementsAre(AllOf(StartsWith("pretrain.model.image_height"), HasSubstr("one of 1, 29")),
                          AllOf(StartsWith("pretrain.model.image_width"), HasSubstr("one of 1, 29"))));
}

TEST(ResolveSpec, ImageOfTooManyPatchesIsRefused) {
  auto spec = Recipe(kPretrain);
  spec.mutable_pretrain()->mutable_model()->set_patch_size(2);
  EXPECT_THAT(Resolve(ContextOf(1, 512, 512), spec),
              ElementsAre(AllOf(StartsWith("pretrain.model.patch_size"), HasSubstr("65536 patches"))));
}

TEST(ResolveSpec, ModelAtItsLimitsIsTaken) {
  ExpectEachTaken(
      FashionContext(), kPretrain,
      {"pretrain.model.patch_size=1", "pretrain.mask_ratio=0.979", "pretrain.mask_ratio=0.001",
       "pretrain.model.depth=256", "pretrain.model.num_heads=128", "pretrain.model.mlp_ratio=0.25"});
}

TEST(ResolveSpec, ClassifierOutsideItsLimitsIsRefused) {
  ExpectEachRefused(FashionContext(), kFinetune,
                    {{"finetune.num_classes=9", "finetune.num_classes", "has 10 classes"},
                     {"finetune.num_classes=-1", "finetune.num_classes", "is -1; must be from 1"},
                     {"finetune.drop_path=1", "finetune.drop_path", "is 1; must be 0 or more and below 1"},
                     {"finetune.drop_path=-0.1", "finetune.drop_path", "is -0.1"},
                     {"finetune.model.decoder={}", "finetune.model.decoder", "no decoder"},
                     {"finetune.model.preset=bas", "finetune.model.preset", "'base'"},
                     {"finetune.from_model=nowhere", "finetune.from_model", "\"nowhere\""}});
  ExpectEachTaken(FashionContext(), kFinetune, {"finetune.num_classes=1000", "finetune.drop_path=0.999"});
}

TEST(ResolveSpec, RunOutsideItsLimitsIsRefused) {
  ExpectEachRefused(
      FashionContext(), kPretrain,
      {{"data.dataset=", "data.dataset", "is not set"},
       {"data.batch_size=0", "data.batch_size", "is 0; must be from 1 to 65536"},
       {"data.batch_size=65537", "data.batch_size", "is 65537"},
       {"data={drop_last: true, train_images: 255}", "data.batch_size", "no step"},
       {"data.train_images=60001", "data.train_images", "has 60000 such images"},
       {"data.validation_images=-1", "data.validation_images", "is -1; dataset fashion-mnist has 10000"},
       {"data.workers=0", "data.workers", "is 0; must be from 1 to 64"},
       {"data.workers=65", "data.workers", "is 65"},
       {"data.cache_decoded_mib=-1", "data.cache_decoded_mib", "is -1; must be from 0 to 1048576"},
       {"data.cache_decoded_mib=1048577", "data.cache_decoded_mib", "is 1048577"},
       {"data.mean=[0.5, 0.5]", "data.mean", "has 2 values; must have 1"},
       {"data.std=[0.5, 0.5, 0.5]", "data.std", "has 3 values; must have 1"},
       {"data.std=[0]", "data.std", "is 0; must be above 0"},
       {"optimizer.learning_rate=0", "optimizer.learning_rate", "is 0; must be above 0"},
       {"optimizer.learning_rate=-1e-3", "optimizer.learning_rate", "is -0.001"},
       {"optimizer.beta1=1", "optimizer.beta1", "is 1; must be 0 or more and below 1"},
       {"optimizer.beta2=-0.1", "optimizer.beta2", "is -0.1"},
       {"optimizer.epsilon=0", "optimizer.epsilon", "above 0"},
       {"optimizer.weight_decay=-1", "optimizer.weight_decay", "is -1; must be 0 or more"},
       {"optimizer.clip_grad_norm=-1", "optimizer.clip_grad_norm", "is -1"},
       {"schedule.epochs=0", "schedule.epochs", "is 0; must be from 1 to 100000"},
       {"schedule.epochs=100001", "schedule.epochs", "is 100001"},
       {"schedule.warmup_epochs=5.5", "schedule.warmup_epochs", "is 5.5; must be at most schedule.epochs, 5"},
       {"schedule.warmup_epochs=-1", "schedule.warmup_epochs", "is -1"},
       {"schedule.start_learning_rate=-1", "schedule.start_learning_rate", "is -1"},
       {"schedule.end_learning_rate=-1", "schedule.end_learning_rate", "is -1"},
       {"checkpoint.every_epochs=0", "checkpoint.every_epochs", "is 0; must be from 1"},
       {"checkpoint.keep_last=0", "checkpoint.keep_last", "is 0; must be from 1"},
       {"checkpoint.every_steps=-1", "checkpoint.every_steps", "is -1; must be from 0"},
       {"checkpoint.keep_every_epochs=-1", "checkpoint.keep_every_epochs", "is -1; must be from 0"},
       {"safety.skip_limit=0", "safety.skip_limit", "is 0; must be from 1 to 10000"},
       {"safety.rollback_limit=-1", "safety.rollback_limit", "is -1; must be from 0 to 100"},
       {"safety.rollback_learning_rate_factor=0", "safety.rollback_learning_rate_factor", "must be above 0"},
       {"safety.rollback_learning_rate_factor=1.5", "safety.rollback_learning_rate_factor",
        "is 1.5; must be above 0 and at most 1"},
       {"resources.threads=-1", "resources.threads", "is -1; must be from 0 to 1024"},
       {"resources.threads=1025", "resources.threads", "is 1025"},
       {"resources.processes=0", "resources.processes", "is 0; must be from 1 to 64"},
       {"resources.processes=65", "resources.processes", "is 65"},
       {"resources.max_restarts=-1", "resources.max_restarts", "is -1; must be from 0 to 100"},
       {"resources.rank_timeout_seconds=0", "resources.rank_timeout_seconds", "is 0; must be from 1 to 3600"},
       {"logging.every_steps=0", "logging.every_steps", "is 0; must be from 1"},
       {"logging.pictures=65", "logging.pictures", "is 65; must be from 0 to 64"},
       {"logging.pictures=-1", "logging.pictures", "is -1"}});
}

TEST(ResolveSpec, ProcessesNeedAnImageEachAndSomethingToTrain) {
  auto few = Recipe(kPretrain);
  few.mutable_resources()->set_processes(4);
  few.mutable_data()->set_batch_size(3);
  EXPECT_THAT(
      Resolve(FashionContext(), few),
      ElementsAre(AllOf(StartsWith("resources.processes"), HasSubstr("is 4, more than data.batch_size, 3"))));
  auto measures =
      Recipe("knn_probe: {from_model: m}\ndata: {dataset: fashion-mnist}\nresources: {processes: 2}\n");
  EXPECT_THAT(Resolve(FashionContext(), measures),
              Contains(AllOf(StartsWith("resources.processes"), HasSubstr("trains nothing"))));
}

TEST(ResolveSpec, RunAtItsLimitsIsTaken) {
  ExpectEachTaken(
      FashionContext(), kPretrain,
      {"data.batch_size=65536", "data={drop_last: true, train_images: 256}", "data.train_images=60000",
       "data.workers=64", "data.cache_decoded_mib=1048576", "schedule.warmup_epochs=5",
       "optimizer={beta1: 0, beta2: 0, weight_decay: 0}",
       "checkpoint={every_steps: 1000000, keep_best: true, keep_every_epochs: 100000}",
       "safety={skip_limit: 1, rollback_limit: 0, rollback_learning_rate_factor: 1}",
       "resources.threads=1024", "resources={processes: 64, max_restarts: 0, rank_timeout_seconds: 3600}",
       "logging.pictures=0", "logging.pictures=64"});
}

TEST(ResolveSpec, DevicesAreAutoCpuOrCuda) {
  ExpectEachTaken(FashionContext(), kPretrain,
                  {"resources.device=auto", "resources.device=cpu", "resources.device=cuda",
                   "resources.device=cuda:0", "resources.device=cuda:15", "resources.device="});
  for (const char* device :
       {"gpu", "cuda:", "cuda:a", "cuda:-1", "cuda:1000", "CPU", "cpu:0", "cuda0", "cud", " cpu"}) {
    auto spec = Recipe(kPretrain);
    spec.mutable_resources()->set_device(device);
    EXPECT_THAT(Resolve(FashionContext(), spec), ElementsAre(AllOf(StartsWith("resources.device: is \""),
                                                                   HasSubstr("auto, cpu, cuda or cuda:N"))));
  }
}

TEST(ResolveSpec, PublishedNamesFollowTheGrammar) {
  ExpectEachTaken(FashionContext(), kPretrain,
                  {"publish.model=a", "publish.model=0.b_c-d", "publish.model=" + std::string(63, 'a'),
                   "publish={model: m, aliases: [prod, v1.2]}"});
  for (const std::string& name : {std::string("A"), std::string("a/b"), std::string("-a"), std::string(".a"),
                                  std::string("a b"), std::string("ü"), std::string(64, 'a')}) {
    ExpectEachRefused(FashionContext(), kPretrain,
                      {{"publish.model=" + name, "publish.model", name},
                       {"publish={model: m, aliases: [\"" + name + "\"]}", "publish.aliases", name}});
  }
  ExpectEachRefused(FashionContext(), kPretrain,
                    {{"publish={model: m, aliases: [latest]}", "publish.aliases", "leave it out"},
                     {"publish={model: m, aliases: [a, a]}", "publish.aliases", "twice"},
                     {"publish={aliases: [a]}", "publish.aliases", "without publish.model"}});
  std::string many = "a0";
  for (int i = 1; i < 65; ++i) absl::StrAppend(&many, ", a", i);
  ExpectEachRefused(FashionContext(), kPretrain,
                    {{"publish={model: m, aliases: [" + many + "]}", "publish.aliases", "at most 64"}});
}

TEST(ResolveSpec, AnAliasMayWaitForABetterModelThatTheJobMeasures) {
  ExpectEachTaken(FashionContext(), kPretrain,
                  {"publish={model: m, aliases: [a], only_if_better: validation_loss}"});
  ExpectEachTaken(FashionContext(), kFinetune,
                  {"publish={model: m, aliases: [a], only_if_better: accuracy}",
                   "publish={model: m, aliases: [a], only_if_better: top5_accuracy}",
                   "publish={model: m, aliases: [a], only_if_better: validation_loss}"});
  const std::string field = "publish.only_if_better";
  ExpectEachRefused(
      FashionContext(), kPretrain,
      {{"publish={model: m, only_if_better: validation_loss}", field, "publish.aliases has none"},
       {"publish={model: m, aliases: [a], only_if_better: loss}", field, "accuracy, top5_accuracy or"},
       {"publish={model: m, aliases: [a], only_if_better: accuracy}", field, "a pretrain does not measure"}});
  ExpectEachRefused(
      ContextOf(1, 28, 28), kFinetune,
      {{"publish={model: m, aliases: [a], only_if_better: top5_accuracy}", field, "the model has 2"}});
  auto unmeasured = FashionContext();
  unmeasured.dataset.validation_images = 0;
  ExpectEachRefused(unmeasured, kPretrain,
                    {{"publish={model: m, aliases: [a], only_if_better: validation_loss}", field,
                      "has none: leave it out"}});
}

TEST(ResolveSpec, NumbersThatAreNotFiniteAreRefusedOnceEach) {
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto spec = Recipe(kPretrain);
    spec.mutable_optimizer()->set_learning_rate(value);
    spec.mutable_optimizer()->set_beta2(value);
    spec.mutable_schedule()->set_warmup_epochs(value);
    spec.mutable_pretrain()->set_mask_ratio(value);
    spec.mutable_pretrain()->mutable_model()->set_mlp_ratio(value);
    spec.mutable_data()->add_mean(value);
    spec.mutable_data()->add_std(value);
    const auto finite = [](const char* field) {
      return AllOf(StartsWith(std::string(field) + ": is "), HasSubstr("must be a finite number"));
    };
    EXPECT_THAT(Resolve(FashionContext(), spec),
                ElementsAre(finite("pretrain.model.mlp_ratio"), finite("pretrain.mask_ratio"),
                            finite("data.mean"), finite("data.std"), finite("optimizer.learning_rate"),
                            finite("optimizer.beta2"), finite("schedule.warmup_epochs")));
  }
}

TEST(ResolveSpec, EnumValuesWithoutNameAreRefused) {
  auto spec = Recipe(kPretrain);
  spec.set_precision(static_cast<v1::Precision>(99));
  EXPECT_THAT(Resolve(FashionContext(), spec), ElementsAre("precision: is 99; must be one of fp32, bf16"));
}

TEST(ResolveSpec, ModelOfOtherShapesIsRefusedFieldByField) {
  auto context = CifarContext();
  context.from_model = ModelOf(FashionContext(), Recipe(kPretrain));
  auto other_images = Recipe("finetune: {from_model: m}\ndata: {dataset: d}\nschedule: {epochs: 1}");
  EXPECT_THAT(Resolve(context, other_images), ElementsAre(HasSubstr("channels: is 3, but m has 1")));

  context = FashionContext();
  context.from_model = ModelOf(FashionContext(), Recipe(kPretrain));
  ExpectEachRefused(
      context, "finetune: {from_model: m}\ndata: {dataset: d}\nschedule: {epochs: 1}",
      {{"finetune.model.patch_size=7", "finetune.model.patch_size", "is 7, but m has 4"},
       {"finetune.model.embed_dim=64", "finetune.model.embed_dim", "is 64, but m has 128"},
       {"finetune.model.depth=5", "finetune.model.depth", "is 5, but m has 6"},
       {"finetune.model.num_heads=8", "finetune.model.num_heads", "is 8, but m has 4"},
       {"finetune.model.mlp_ratio=2", "finetune.model.mlp_ratio", "is 2, but m has 4"},
       {"finetune.model.qkv_bias=false", "finetune.model.qkv_bias", "is false, but m has true"}});
  auto other_preset = Recipe("finetune: {from_model: m, model: {preset: tiny}}\ndata: {dataset: d}");
  EXPECT_THAT(Resolve(context, other_preset),
              Contains(AllOf(HasSubstr("embed_dim: is 192, but m has 128"), HasSubstr("preset unset"))));
}

TEST(ResolveSpec, ModelOfAnotherImageSizeIsAWarmStart) {
  auto context = ContextOf(1, 40, 32);
  context.from_model = ModelOf(FashionContext(), Recipe(kPretrain));
  auto spec = Recipe("finetune: {from_model: m}\ndata: {dataset: d}\nschedule: {epochs: 1}");
  EXPECT_THAT(Resolve(context, spec), IsEmpty());
  EXPECT_EQ(spec.finetune().model().image_height(), 40);
  EXPECT_EQ(spec.finetune().model().patch_size(), 4);
  EXPECT_EQ(spec.finetune().position_resampling(), v1::POSITION_RESAMPLING_BICUBIC);
}

TEST(ResolveSpec, ARandomCropMayHaveAnotherSizeThanTheDataset) {
  for (const auto* recipe : {kPretrain, kFinetune}) {
    auto spec = Recipe(recipe);
    auto& model = spec.has_pretrain() ? *spec.mutable_pretrain()->mutable_model()
                                      : *spec.mutable_finetune()->mutable_model();
    model.set_image_height(16);
    model.set_image_width(40);
    spec.mutable_augmentation()->mutable_random_resized_crop();
    EXPECT_THAT(Resolve(FashionContext(), spec), IsEmpty());
  }
}

TEST(ResolveSpec, AugmentationOutsideItsLimitsIsRefused) {
  ExpectEachRefused(
      FashionContext(), kFinetune,
      {{"augmentation.mixup_alpha=-0.1", "augmentation.mixup_alpha", "is -0.1"},
       {"augmentation.cutmix_alpha=101", "augmentation.cutmix_alpha", "is 101"},
       {"augmentation.mix_switch_probability=1.1", "augmentation.mix_switch_probability", "is 1.1"},
       {"augmentation.label_smoothing=1", "augmentation.label_smoothing",
        "is 1; must be 0 or more and below 1"},
       {"augmentation.eval_crop_ratio=0.09", "augmentation.eval_crop_ratio",
        "is 0.09; must be 0.1 or more and at most 1"},
       {"augmentation.eval_crop_ratio=1.01", "augmentation.eval_crop_ratio", "is 1.01"},
       {"augmentation.random_resized_crop.scale_min=0", "augmentation.random_resized_crop.scale_min",
        "above 0"},
       {"augmentation.random_resized_crop.scale_max=1.5", "augmentation.random_resized_crop.scale_max",
        "is 1.5; must be above 0 and at most 1"},
       {"augmentation.random_resized_crop={scale_min: 0.5, scale_max: 0.4}",
        "augmentation.random_resized_crop.scale_min", "is 0.5; must be at most"},
       {"augmentation.random_resized_crop.ratio_min=2", "augmentation.random_resized_crop.ratio_min",
        "is 2; must be at most"},
       {"augmentation.random_resized_crop.ratio_max=101", "augmentation.random_resized_crop.ratio_max",
        "is 101"},
       {"augmentation.rand_augment.num_ops=0", "augmentation.rand_augment.num_ops",
        "is 0; must be from 1 to 15"},
       {"augmentation.rand_augment.magnitude=10.5", "augmentation.rand_augment.magnitude", "is 10.5"},
       {"augmentation.rand_augment.magnitude_std=-1", "augmentation.rand_augment.magnitude_std", "is -1"},
       {"augmentation.random_erasing.probability=2", "augmentation.random_erasing.probability", "is 2"},
       {"augmentation.random_erasing.area_min=0.5", "augmentation.random_erasing.area_min",
        "must be at most"},
       {"augmentation.random_erasing.ratio_min=0", "augmentation.random_erasing.ratio_min", "is 0"}});
}

TEST(ResolveSpec, WhatNeedsLabelsIsRefusedInPretraining) {
  ExpectEachRefused(FashionContext(), kPretrain,
                    {{"augmentation.mixup_alpha=0.8", "augmentation.mixup_alpha", "only fine-tuning"},
                     {"augmentation.cutmix_alpha=1", "augmentation.cutmix_alpha", "only fine-tuning"},
                     {"augmentation.label_smoothing=0.1", "augmentation.label_smoothing", "only fine-tuning"},
                     {"augmentation.random_erasing={}", "augmentation.random_erasing", "noise"}});
  ExpectEachTaken(FashionContext(), kPretrain,
                  {"augmentation.random_resized_crop={}", "augmentation.rand_augment={}",
                   "augmentation.eval_crop_ratio=0.1", "augmentation.eval_crop_ratio=1"});
}

TEST(ResolveSpec, AugmentationThatIsOnTakesTheDefaultsOfPublicFineTuning) {
  auto spec = Recipe(kFinetune);
  spec.mutable_augmentation()->mutable_random_resized_crop()->set_scale_min(0.5);
  spec.mutable_augmentation()->mutable_rand_augment();
  spec.mutable_augmentation()->mutable_random_erasing();
  ASSERT_THAT(Resolve(FashionContext(), spec), IsEmpty());
  const auto& augmentation = spec.augmentation();
  EXPECT_EQ(augmentation.random_resized_crop().scale_min(), 0.5);
  EXPECT_EQ(augmentation.random_resized_crop().scale_max(), 1.0);
  EXPECT_EQ(augmentation.random_resized_crop().interpolation(), v1::INTERPOLATION_BICUBIC);
  EXPECT_EQ(augmentation.rand_augment().num_ops(), 2);
  EXPECT_EQ(augmentation.rand_augment().magnitude(), 9.0);
  EXPECT_EQ(augmentation.rand_augment().magnitude_std(), 0.5);
  EXPECT_EQ(augmentation.random_erasing().probability(), 0.25);
  EXPECT_EQ(augmentation.mix_switch_probability(), 0.5);
  EXPECT_EQ(augmentation.eval_crop_ratio(), 1.0);
}

TEST(ResolveSpec, AllViolationsAreListedTogether) {
  auto spec = Recipe("pretrain: {mask_ratio: 2, model: {preset: nono}}\ndata: {batch_size: 0}\n");
  EXPECT_THAT(
      Resolve(FashionContext(), spec),
      ElementsAre(StartsWith("pretrain.model.preset"), StartsWith("pretrain.mask_ratio"),
                  StartsWith("data.dataset"), StartsWith("data.batch_size"), StartsWith("schedule.epochs")));
}

TEST(ResolveSpec, ExtremeSizesAreRefusedWithoutOverflow) {
  for (const int32_t extreme :
       {std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min(), -1, 0}) {
    auto spec = Recipe(kPretrain);
    auto& model = *spec.mutable_pretrain()->mutable_model();
    for (const auto set :
         {&v1::ModelSpec::set_image_height, &v1::ModelSpec::set_image_width, &v1::ModelSpec::set_channels,
          &v1::ModelSpec::set_patch_size, &v1::ModelSpec::set_embed_dim, &v1::ModelSpec::set_depth,
          &v1::ModelSpec::set_num_heads})
      (model.*set)(extreme);
    EXPECT_THAT(Resolve(FashionContext(), spec), Contains(StartsWith("pretrain.model.embed_dim: is")))
        << extreme;
  }
}

TEST(ResolveSpec, DatasetThatIsEmptyIsRefused) {
  auto spec = Recipe(kPretrain);
  EXPECT_THAT(Resolve(RecipeContext(), spec), Contains(HasSubstr("no training images")));
}

TEST(ResolveSpec, ResolvedSpecStaysAsItIsAndIsWholeInOptions) {
  auto with_model = FashionContext();
  with_model.from_model = ModelOf(FashionContext(), Recipe(kPretrain));
  const std::vector<std::pair<RecipeContext, std::string>> cases = {
      {FashionContext(), kPretrain},
      {CifarContext(), kFinetune},
      {ContextOf(4, 30, 60), kPretrain},
      {with_model, "finetune: {from_model: m}\ndata: {dataset: d}\nschedule: {epochs: 1}"}};
  for (const auto& [context, yaml] : cases) {
    auto once = Recipe(yaml);
    EXPECT_THAT(Resolve(context, once), IsEmpty()) << yaml;
    auto twice = once;
    EXPECT_THAT(Resolve(context, twice), IsEmpty()) << yaml;
    EXPECT_TRUE(MessageDifferencer::Equals(once, twice)) << yaml;
    EXPECT_TRUE(MessageDifferencer::Equals(once, SpecFromOptions(OptionsFromSpec(once).value()))) << yaml;
  }
}

TEST(ViolationsToStatus, ListsAllOneALine) {
  EXPECT_THAT(ViolationsToStatus({}), IsOk());
  EXPECT_EQ(ViolationsToStatus({{"a.b", "is 1; must be 2"}, {"c", "is odd"}}),
            absl::InvalidArgumentError("a.b: is 1; must be 2\nc: is odd"));
}

}  // namespace
}  // namespace mae
