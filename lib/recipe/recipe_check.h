#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "mae/v1/job.pb.h"
#include "options/model_card.h"

namespace mae {

/// One field at fault: its path in JobSpec ("data.batch_size") and what is wrong: value, limit, remedy.
struct FieldViolation {
  std::string field;
  std::string description;
};

/// What a spec is resolved against.
struct RecipeContext {
  DatasetInfo dataset;                   ///< that data.dataset names
  std::optional<ModelConfig> from_model; ///< that finetune.from_model names
};

/// Fills every unset field (presets, dataset size and statistics, the pretrained encoder) and checks every limit.
/// @param spec in: as the user gave it; out: resolved, so that resolving it again changes nothing.
/// @return all violations, empty if the job can run.
std::vector<FieldViolation> ResolveSpec(const RecipeContext& context, v1::JobSpec& spec);

/// INVALID_ARGUMENT with all violations in its message, one a line; OK if there are none.
absl::Status ViolationsToStatus(const std::vector<FieldViolation>& violations);

}  // namespace mae
