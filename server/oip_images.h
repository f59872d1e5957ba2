#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/inference_inputs.h"
#include "server/oip_tensors.h"

/// What the tensors of a request mean to a model. Pure; decoding takes its time. INVALID_ARGUMENT with the
/// tensor, or the place in it ("images[3]"), and what was expected; RESOURCE_EXHAUSTED of ReserveDecoded.
namespace mae {

/// The images, from the one tensor of `images`, `pixels` and `pixel_values` that is there.
absl::StatusOr<RequestInputs> ImagesOf(const std::vector<OipTensor>& tensors, const ModelSignature& signature,
                                       const InferenceLimits& limits);

/// Which patches are hidden, one value a patch; empty if there is no `mask`.
absl::StatusOr<std::vector<bool>> MaskOf(const std::vector<OipTensor>& tensors,
                                         const ModelSignature& signature);

}  // namespace mae
