#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mae/v1/job.pb.h"
#include "recipe/builtin_recipes.h"

/// Recipes as people write them: YAML to JobSpec and back.
/// Pure functions: no state, safe from any thread; no exception leaves them.
namespace mae {

/// A recipe file (YAML) as a JobSpec. Keys are the field names of mae.v1.JobSpec; enum values are written in
/// lower case without their prefix (`unit: epoch`). Strict: an unknown or mistyped key, a value of the wrong
/// type, a key given twice or two kinds at once is INVALID_ARGUMENT with line, path and, for a key, the
/// nearest right one. Limits are not checked here: that is ResolveSpec's (recipe/recipe_check.h).
absl::StatusOr<v1::JobSpec> ParseRecipe(const std::string& yaml);

/// Sets one field by "path.to.field=value", the value written as in YAML (lists as [a, b]; a mapping merges).
/// The path is the whole one from JobSpec down, the kind too: "pretrain.mask_ratio=0.5". An empty value
/// unsets the field. Errors as ParseRecipe, without line; a path into another kind than the spec's is one. On
/// error `spec` is unchanged.
absl::Status ApplyOverride(const std::string& assignment, v1::JobSpec& spec);

/// The spec as YAML in recipe form: what is set, and in each part that is there the numbers and switches that
/// have their defaults without being set. ParseRecipe gives the same spec back.
std::string RecipeToYaml(const v1::JobSpec& spec);

}  // namespace mae
