#pragma once

#include "absl/status/statusor.h"
#include "mae/v1/job.pb.h"
#include "options/train_options.h"

namespace mae {

/// A resolved spec (recipe/recipe_check.h) as plain options. data.format, data.path, finetune.from_weights and recipe
/// are not in a spec and stay empty. INVALID_ARGUMENT if the spec has no kind.
absl::StatusOr<JobOptions> OptionsFromSpec(const v1::JobSpec& spec);

/// The inverse, for every field that a spec has.
v1::JobSpec SpecFromOptions(const JobOptions& options);

}  // namespace mae
