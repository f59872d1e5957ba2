#pragma once

#include <optional>

#include "data/dataset.h"
#include "options/model_card.h"
#include "options/train_options.h"

namespace mae {

/// What a spec is resolved against. A plain value.
struct RecipeContext {
  DatasetInfo dataset;                     ///< that data.dataset names
  std::optional<ModelConfig> from_model;   ///< that from_model of the kind names
  Precision precision = Precision::kBf16;  ///< that the job's device is fastest in
};

}  // namespace mae
