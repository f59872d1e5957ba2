#pragma once

#include <string>

#include "mae/v1/job.pb.h"
#include "options/model_options.h"
#include "recipe/field_violation.h"
#include "recipe/recipe_context.h"

/// A spec's model against the limits of options/model_limits.h, and what it must have in common with its
/// dataset and with the model it starts from. Pure functions: no state, safe from any thread.
namespace mae {

/// @param path of the ModelSpec, with a dot at its end: "pretrain.model.".
void CheckEncoder(const EncoderOptions& encoder, const std::string& path, ViolationList& violations);

/// Everything under pretrain or finetune of a spec that FillDefaults filled. A spec without kind passes:
/// FillDefaults has reported it.
void CheckModel(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations);

}  // namespace mae
