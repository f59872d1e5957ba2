#pragma once

#include "mae/v1/job.pb.h"
#include "options/augmentation_options.h"

/// AugmentationSpec to and from plain options; part of recipe/recipe_proto.h. Pure functions, safe from any
/// thread.
namespace mae {

/// An unset optional field keeps the default of the struct, an unset message is off.
AugmentationOptions ReadAugmentation(const v1::AugmentationSpec& spec);

/// Every field of what is on is written out.
void WriteAugmentation(const AugmentationOptions& options, v1::AugmentationSpec& out);

}  // namespace mae
