#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "options/model_card.h"

/// config.json and card.json of a model folder; see docs/formats/model.md.
namespace mae {

std::string ModelConfigToJson(const ModelConfig& config);
/// INVALID_ARGUMENT names the missing or mistyped key.
absl::StatusOr<ModelConfig> ModelConfigFromJson(const std::string& text);

std::string ModelCardToJson(const ModelCard& card);
absl::StatusOr<ModelCard> ModelCardFromJson(const std::string& text);

}  // namespace mae
