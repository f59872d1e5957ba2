#pragma once

#include "mae/v1/job.pb.h"
#include "recipe/field_violation.h"
#include "recipe/recipe_context.h"

namespace mae {

/// Writes out every field that the spec leaves unset, in the order of sources that recipe/recipe_check.h
/// states. A field that is set is never changed, so filling twice is filling once. Adds a violation where a
/// default cannot be known: no kind, an unknown preset, a from_model that the context lacks. Pure; safe from
/// any thread.
void FillDefaults(const RecipeContext& context, v1::JobSpec& spec, ViolationList& violations);

/// optimizer.base_learning_rate for the images of one step: times batch_size * accumulate_steps / 256.
/// @param spec with all three set.
double ScaledLearningRate(const v1::JobSpec& spec);

}  // namespace mae
