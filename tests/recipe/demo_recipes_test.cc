#include <gmock/gmock.h>

#include "recipe/builtin_recipes.h"
#include "recipe/recipe_proto.h"
#include "tests/fakes/status_matchers.h"
#include "tests/recipe/recipe_contexts.h"

namespace mae {
namespace {

JobOptions FashionOptionsOf(const std::string& name) {
  v1::JobSpec spec = Recipe(BuiltinRecipe(name).value());
  EXPECT_THAT(Resolve(FashionContext(), spec), testing::IsEmpty()) << name;
  return OptionsFromSpec(spec).value();
}

TEST(DemoRecipes, AreTheFashionMnistRecipesCutShort) {
  for (const std::string kind : {"pretrain", "finetune"}) {
    const JobOptions demo = FashionOptionsOf("demo-" + kind);
    EXPECT_EQ(demo.kind, FashionOptionsOf("fashion-mnist-" + kind).kind);
    EXPECT_GT(demo.data.train_images, 0);
    EXPECT_LT(demo.data.train_images, 60000);
    EXPECT_EQ(demo.data.validation_images, 2000);
    EXPECT_LE(demo.schedule.epochs, 2);
  }
}

}  // namespace
}  // namespace mae
