#pragma once

#include "absl/status/statusor.h"
#include "mae/v1/job.pb.h"
#include "options/train_options.h"

/// JobSpec, the one definition of a recipe, to and from the plain structs that the torch side reads.
/// Pure functions: no state, safe from any thread.
namespace mae {

/// A resolved spec (recipe/recipe_check.h) as plain options. data.format, data.path, finetune.from_weights
/// and recipe are not in a spec and stay empty. INVALID_ARGUMENT if the spec has no kind. Nothing else is
/// checked: an unset optional field or enum keeps the default of the struct.
absl::StatusOr<JobOptions> OptionsFromSpec(const v1::JobSpec& spec);

/// The inverse, for every field that a spec has. Every field of the result is written out.
v1::JobSpec SpecFromOptions(const JobOptions& options);

}  // namespace mae
