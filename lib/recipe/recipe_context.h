#pragma once

#include <optional>

#include "data/dataset.h"
#include "options/model_card.h"

namespace mae {

/// What a spec is resolved against. A plain value.
struct RecipeContext {
  DatasetInfo dataset;                    ///< that data.dataset names
  std::optional<ModelConfig> from_model;  ///< that finetune.from_model names
};

}  // namespace mae
