#pragma once

#include <string>
#include <vector>

#include "mae/v1/job.pb.h"
#include "recipe/recipe_context.h"

/// Surroundings to resolve specs in: datasets as their folders describe them, and specs that resolve there.
namespace mae {

RecipeContext CifarContext();     ///< cifar10: 3x32x32, 10 classes, 50,000 and 10,000 images
RecipeContext FashionContext();   ///< fashion-mnist: 1x28x28, 10 classes, 60,000 and 10,000 images
RecipeContext ImageNetContext();  ///< imagenet: 3x224x224, 1000 classes, 1,281,167 and 50,000 images
/// Images of other sizes and channel counts, 2 classes, 100 and 10 of them.
RecipeContext ContextOf(int64_t channels, int64_t height, int64_t width);

/// Of the dataset that a built-in recipe names.
RecipeContext ContextOfRecipe(const v1::JobSpec& spec);

/// The model that a pretrain spec, resolved in `context`, makes.
ModelConfig ModelOf(const RecipeContext& context, v1::JobSpec pretrain);

/// A recipe in YAML. The test fails if it does not parse.
v1::JobSpec Recipe(const std::string& yaml);

/// Resolves in place and gives each violation as "field: description".
std::vector<std::string> Resolve(const RecipeContext& context, v1::JobSpec& spec);

}  // namespace mae
