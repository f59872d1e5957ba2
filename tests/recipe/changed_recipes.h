#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "recipe/recipe_yaml.h"
#include "tests/fakes/status_matchers.h"
#include "tests/recipe/recipe_contexts.h"

/// Recipes with one setting changed, and what must be said of them.
namespace mae {

inline constexpr const char* kPretrain =
    "pretrain: {model: {preset: nano}}\ndata: {dataset: d}\nschedule: {epochs: 5}";
inline constexpr const char* kFinetune =
    "finetune: {model: {preset: nano}}\ndata: {dataset: d}\nschedule: {epochs: 5}";

/// One wrong assignment, the field that must be named, and what must be said of it.
struct Wrong {
  std::string assignment, field, text;
};

/// Each case is refused with that one violation.
inline void ExpectEachRefused(const RecipeContext& context, const std::string& recipe,
                              const std::vector<Wrong>& cases) {
  for (const auto& wrong : cases) {
    auto spec = Recipe(recipe);
    ASSERT_THAT(ApplyOverride(wrong.assignment, spec), IsOk());
    EXPECT_THAT(Resolve(context, spec),
                testing::ElementsAre(
                    testing::AllOf(testing::StartsWith(wrong.field + ": "), testing::HasSubstr(wrong.text))))
        << wrong.assignment;
  }
}

/// Each assignment resolves.
inline void ExpectEachTaken(const RecipeContext& context, const std::string& recipe,
                            const std::vector<std::string>& assignments) {
  for (const auto& assignment : assignments) {
    auto spec = Recipe(recipe);
    ASSERT_THAT(ApplyOverride(assignment, spec), IsOk());
    EXPECT_THAT(Resolve(context, spec), testing::IsEmpty()) << assignment;
  }
}

}  // namespace mae
