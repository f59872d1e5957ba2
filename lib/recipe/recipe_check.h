#pragma once

#include <vector>

#include "absl/status/status.h"
#include "mae/v1/job.pb.h"
#include "recipe/field_violation.h"
#include "recipe/recipe_context.h"

/// The last word on a recipe before it becomes a job: every default written out, every limit held.
/// Pure functions: no state, safe from any thread.
namespace mae {

/// Fills every unset field (presets, dataset size and statistics, the pretrained encoder) and checks every
/// limit. Where several could fill a field, the order is: the spec, a preset that the spec names, from_model,
/// the dataset, the default that job.proto states.
/// @param spec in: as the user gave it; out: resolved, so that resolving it again changes nothing.
/// @return all violations, empty if the job can run.
std::vector<FieldViolation> ResolveSpec(const RecipeContext& context, v1::JobSpec& spec);

/// INVALID_ARGUMENT with all violations in its message, one a line; OK if there are none.
absl::Status ViolationsToStatus(const std::vector<FieldViolation>& violations);

}  // namespace mae
