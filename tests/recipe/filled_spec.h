#pragma once

#include <string>
#include <vector>

#include "mae/v1/job.pb.h"

namespace mae {

/// A JobSpec of the kind `kind` (one of JobKinds) whose every field, found by reflection, holds a
/// value other than its default, no two numbers alike. Enums take their first named value for variant 0, the
/// second for 1. What a kind has no use for (finetune.model.decoder) is left out.
v1::JobSpec FilledSpec(const std::string& kind, int variant);

/// The kinds of job, by the names of the oneof's fields.
std::vector<std::string> JobKinds();

}  // namespace mae
