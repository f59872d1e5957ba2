#pragma once

#include <string>

#include "mae/v1/job.pb.h"
#include "options/model_options.h"
#include "recipe/field_violation.h"
#include "recipe/recipe_context.h"

/// The limits of models, and what a model must have in common with its dataset and with the model it starts
/// from. Pure functions: no state, safe from any thread.
namespace mae {

inline constexpr int64_t kMaxChannels = 16;
inline constexpr int64_t kMaxImageSide = 4096;  ///< pixels
inline constexpr int64_t kMaxPatches = 16384;   ///< an image; attention holds the square of it
inline constexpr int64_t kMinWidth = 4;         ///< embed_dim
inline constexpr int64_t kMaxWidth = 16384;     ///< embed_dim
inline constexpr int64_t kMaxDepth = 256;       ///< blocks
inline constexpr int64_t kMaxClasses = 1'000'000;
inline constexpr double kMinMlpRatio = 0.25;  ///< leaves a hidden width of 1 at kMinWidth
inline constexpr double kMaxMlpRatio = 64.0;
/// 8 GB of fp32 weights; a training step holds four times that in weights, gradients and AdamW moments.
inline constexpr int64_t kMaxParameters = 2'000'000'000;

/// @param path of the ModelSpec, with a dot at its end: "pretrain.model.".
void CheckEncoder(const EncoderOptions& encoder, const std::string& path, ViolationList& violations);

/// Everything under pretrain or finetune of a spec that FillDefaults filled. A spec without kind passes:
/// FillDefaults has reported it.
void CheckModel(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations);

}  // namespace mae
