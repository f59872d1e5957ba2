#pragma once

#include "mae/v1/job.pb.h"

namespace mae {

/// What must hold of any spec that came by the wire or from a file: resolving it, in surroundings that suit
/// it or not, ends in violations or in a spec that resolves to itself, and that survives plain options,
/// spec.json and YAML unchanged.
void CheckResolves(const v1::JobSpec& spec);

/// Whether RecipeToYaml and ParseRecipe give the spec back.
void CheckYamlRoundTrip(const v1::JobSpec& spec);

}  // namespace mae
