#include "tests/recipe/recipe_contexts.h"

#include <gtest/gtest.h>

#include "recipe/recipe_check.h"
#include "recipe/recipe_proto.h"
#include "recipe/recipe_yaml.h"

namespace mae {
namespace {

std::vector<std::string> Labels(int count) {
  std::vector<std::string> labels;
  for (int i = 0; i < count; ++i) labels.push_back("class " + std::to_string(i));
  return labels;
}

}  // namespace

RecipeContext CifarContext() {
  return {{"cifar10",
           "cifar10",
           "/data/cifar10",
           50000,
           10000,
           3,
           32,
           32,
           Labels(10),
           {0.4914, 0.4822, 0.4465},
           {0.2470, 0.2435, 0.2616}},
          {}};
}

RecipeContext FashionContext() {
  return {{"fashion-mnist",
           "idx",
           "/data/fashion-mnist",
           60000,
           10000,
           1,
           28,
           28,
           Labels(10),
           {0.2860},
           {0.3530}},
          {}};
}

RecipeContext ContextOf(int64_t channels, int64_t height, int64_t width) {
  return {{"mine", "idx", "/data/mine", 100, 10, channels, height, width, Labels(2),
           std::vector<double>(channels, 0.5), std::vector<double>(channels, 0.25)},
          {}};
}

RecipeContext ImageNetContext() {
  auto context = ContextOf(3, 224, 224);
  context.dataset.name = "imagenet";
  context.dataset.train_images = 1281167;
  context.dataset.validation_images = 50000;
  context.dataset.labels = Labels(1000);
  return context;
}

RecipeContext ContextOfRecipe(const v1::JobSpec& spec) {
  const auto& dataset = spec.data().dataset();
  if (dataset == "imagenet") return ImageNetContext();
  return dataset == "cifar10" ? CifarContext() : FashionContext();
}

ModelConfig ModelOf(const RecipeContext& context, v1::JobSpec pretrain) {
  pretrain.mutable_data()->set_dataset(context.dataset.name);
  EXPECT_TRUE(ResolveSpec(context, pretrain).empty());
  const auto options = OptionsFromSpec(pretrain).value();
  return {std::get<PretrainOptions>(options.kind).model, options.data.mean, options.data.std_dev, {}};
}

v1::JobSpec Recipe(const std::string& yaml) {
  const auto spec = ParseRecipe(yaml);
  EXPECT_TRUE(spec.ok()) << spec.status();
  return spec.value_or(v1::JobSpec());
}

std::vector<std::string> Resolve(const RecipeContext& context, v1::JobSpec& spec) {
  std::vector<std::string> lines;
  for (const auto& violation : ResolveSpec(context, spec))
    lines.push_back(violation.field + ": " + violation.description);
  return lines;
}

}  // namespace mae
