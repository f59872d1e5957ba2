#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "options/model_card.h"

/// config.json and card.json of a model folder; see docs/formats/model.md.
/// Pure functions: no state, safe from any thread; no exception leaves them.
namespace mae {

/// The whole of `config` but drop_path, which only training needs. Doubles keep every bit.
std::string ModelConfigToJson(const ModelConfig& config);

/// INVALID_ARGUMENT names the missing or mistyped key by its path ("encoder.depth"), or the format of a newer
/// version. Sizes are taken as they are: options/model_limits.h has their limits. Unknown keys are ignored.
absl::StatusOr<ModelConfig> ModelConfigFromJson(const std::string& text);

/// The whole of `card` but metrics that are not finite, which JSON cannot write.
std::string ModelCardToJson(const ModelCard& card);
/// Errors as ModelConfigFromJson.
absl::StatusOr<ModelCard> ModelCardFromJson(const std::string& text);

}  // namespace mae
