#include "recipe/builtin_recipes.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_word.h"

namespace mae {

std::vector<std::string> BuiltinRecipeNames() {
  std::vector<std::string> names;
  for (const auto& file : BuiltinRecipeFiles()) names.emplace_back(file.name);
  return names;
}

absl::StatusOr<std::string> BuiltinRecipe(std::string_view name) {
  for (const auto& file : BuiltinRecipeFiles()) {
    if (file.name == name) return std::string(file.yaml);
  }
  const auto names = BuiltinRecipeNames();
  const auto meant = DidYouMean(name, names);
  const auto remedy = meant.empty() ? absl::StrCat("; there are ", absl::StrJoin(names, ", ")) : meant;
  return absl::NotFoundError(absl::StrCat("recipe \"", std::string(name), "\" is not built in", remedy));
}

}  // namespace mae
