#pragma once

#include "mae/v1/job.pb.h"
#include "recipe/field_violation.h"

/// The defaults and limits of a spec's augmentation. Pure functions: no state, safe from any thread.
namespace mae {

/// Writes out every unset field of what is on. A field that is set is never changed.
void FillAugmentation(v1::AugmentationSpec& augmentation);

/// Of a spec that FillDefaults filled; what only fine-tuning can do is refused for other kinds of job.
void CheckAugmentation(const v1::JobSpec& spec, ViolationList& violations);

}  // namespace mae
