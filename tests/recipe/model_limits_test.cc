#include "recipe/model_limits.h"

#include <gmock/gmock.h>

#include "tests/recipe/changed_recipes.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

RecipeContext ContextWithAutoencoder() {
  auto context = FashionContext();
  context.from_model = ModelOf(context, Recipe(kPretrain));
  return context;
}

RecipeContext ContextWithClassifier(int64_t classes) {
  auto context = ContextWithAutoencoder();
  context.from_model->model = VisionTransformerOptions{context.from_model->encoder(), classes};
  return context;
}

TEST(ModelLimits, ProbesAndEvaluationsAreTaken) {
  const auto context = ContextWithAutoencoder();
  ExpectEachTaken(context, "linear_probe: {from_model: m}\ndata: {dataset: d}\nschedule: {epochs: 5}",
                  {"linear_probe.pooling=mean", "optimizer.algorithm=adamw", "publish.model=m"});
  ExpectEachTaken(context, "knn_probe: {from_model: m}\ndata: {dataset: d}", {"knn_probe.neighbors=60000"});
  ExpectEachTaken(context, "evaluate: {from_model: m}\ndata: {dataset: d}", {"evaluate.split=train"});
}

TEST(ModelLimits, ProbesOutsideTheirLimitsAreRefused) {
  const auto context = ContextWithAutoencoder();
  ExpectEachRefused(context, "linear_probe: {from_model: m}\ndata: {dataset: d}\nschedule: {epochs: 5}",
                    {{"linear_probe.num_classes=3", "linear_probe.num_classes", "has 10 classes"},
                     {"schedule.epochs=0", "schedule.epochs", "is 0"}});
  ExpectEachRefused(context, "knn_probe: {from_model: m}\ndata: {dataset: d}",
                    {{"knn_probe.neighbors=0", "knn_probe.neighbors", "is 0; must be from 1 to 60000"},
                     {"knn_probe.temperature=0", "knn_probe.temperature", "above 0"},
                     {"publish.model=m", "publish.model", "knn_probe makes no model"}});
  ExpectEachRefused(ContextWithClassifier(9), "evaluate: {}\ndata: {dataset: d}",
                    {{"evaluate.from_model=m", "evaluate.from_model", "has 9 classes"}});
}

// It was taken, and did nothing.
TEST(ModelLimits, WhatVariesImagesIsRefusedWhereTheyAreOnlyLookedAt) {
  for (const std::string kind : {"knn_probe", "evaluate"}) {
    const auto context = kind == "evaluate" ? ContextWithClassifier(10) : ContextWithAutoencoder();
    const auto recipe = kind + ": {from_model: m}\ndata: {dataset: d}";
    const auto refused = kind + " varies no images";
    ExpectEachRefused(context, recipe,
                      {{"augmentation.horizontal_flip=true", "augmentation.horizontal_flip", refused},
                       {"augmentation.random_resized_crop={}", "augmentation.random_resized_crop", refused},
                       {"augmentation.rand_augment={}", "augmentation.rand_augment", refused},
                       {"augmentation.random_erasing={}", "augmentation.random_erasing", refused},
                       {"augmentation.mixup_alpha=0.8", "augmentation.mixup_alpha", refused},
                       {"augmentation.cutmix_alpha=1", "augmentation.cutmix_alpha", refused},
                       {"augmentation.label_smoothing=0.1", "augmentation.label_smoothing", refused}});
    ExpectEachTaken(context, recipe,
                    {"augmentation.horizontal_flip=false", "augmentation.eval_crop_ratio=0.875"});
    auto larger = context;
    larger.dataset.width = 32;
    ExpectEachTaken(larger, recipe, {"augmentation.random_resized_crop={}"});
    larger.dataset.encoded = true;
    ExpectEachRefused(
        larger, recipe,
        {{"augmentation.random_resized_crop={}", "augmentation.random_resized_crop", "need no resizing"}});
  }
}

TEST(ModelLimits, AProbeNeedsAModel) {
  for (const char* kind : {"linear_probe", "knn_probe", "evaluate"}) {
    auto spec = Recipe(std::string(kind) + ": {}\ndata: {dataset: d}\nschedule: {epochs: 1}");
    EXPECT_THAT(Resolve(FashionContext(), spec),
                ElementsAre(StartsWith(std::string(kind) + ".from_model: is not set")));
    ASSERT_THAT(ApplyOverride(std::string(kind) + ".from_model=x", spec), IsOk());
    EXPECT_THAT(Resolve(FashionContext(), spec),
                ElementsAre(AllOf(StartsWith(std::string(kind) + ".from_model: is \"x\""),
                                  HasSubstr("no such model"))));
  }
}

TEST(ModelLimits, AProbeOfAnotherKindOfImagesIsRefused) {
  auto context = ContextWithAutoencoder();
  context.dataset.width = 32;
  auto spec = Recipe("knn_probe: {from_model: m}\ndata: {dataset: d}");
  EXPECT_THAT(Resolve(context, spec),
              ElementsAre(AllOf(StartsWith("data.dataset: "), HasSubstr("width 32"), HasSubstr("takes 28"))));
}

}  // namespace
}  // namespace mae
