#pragma once

#include "absl/status/status.h"
#include "options/model_card.h"

namespace mae {

/// Whether a model of this description can be built and fed: sizes positive and fitting together, statistics
/// of each channel. Pure. INVALID_ARGUMENT "config.json: field: value, limit", the first fault only.
absl::Status CheckModelConfig(const ModelConfig& config);

}  // namespace mae
