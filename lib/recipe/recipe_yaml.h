#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "mae/v1/job.pb.h"

namespace mae {

/// A recipe file (YAML) as a JobSpec. Keys are the field names of mae.v1.JobSpec; enum values are written in lower
/// case without their prefix (`unit: epoch`). Strict: an unknown or mistyped key, a value of the wrong type, a key
/// given twice or two kinds at once is INVALID_ARGUMENT with line, path and, for a key, the nearest right one.
absl::StatusOr<v1::JobSpec> ParseRecipe(const std::string& yaml);

/// Sets one field by "path.to.field=value", the value written as in YAML (lists as [a, b]). Errors as ParseRecipe.
absl::Status ApplyOverride(const std::string& assignment, v1::JobSpec& spec);

/// The recipes that are built in, of configs/recipes/: names, sorted.
std::vector<std::string> BuiltinRecipeNames();
/// The YAML of one. NOT_FOUND names the nearest.
absl::StatusOr<std::string> BuiltinRecipe(std::string_view name);

/// The spec as YAML in recipe form, default-valued fields left out.
std::string RecipeToYaml(const v1::JobSpec& spec);

/// Of `candidates`, the one with the smallest edit distance to `word`; empty if none is near.
std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mae
