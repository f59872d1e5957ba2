#pragma once

#include <string_view>

#include "options/model_card.h"

namespace mae {

/// What a model can be asked for.
enum class InferenceTask { kReconstruct, kClassify, kEmbed };

/// "Reconstruct", "Classify" or "Embed", as the methods of mae.v1.InferenceService and the labels of metrics
/// have it.
std::string_view MethodName(InferenceTask task);

bool CanDo(const ModelConfig& config, InferenceTask task);

/// What a model was made for: an autoencoder reconstructs, a classifier classifies, an encoder without a head
/// embeds.
InferenceTask UsualTask(const ModelConfig& config);

}  // namespace mae
