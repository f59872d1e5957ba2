#pragma once

#include <torch/torch.h>

#include <vector>

#include "absl/status/status.h"
#include "models/masking.h"
#include "options/model_options.h"
#include "options/reconstruct_options.h"

/// The masks that a reconstruction asks for. Pure.
namespace mae {

/// INVALID_ARGUMENT "mask_ratio: …" (not in (0, 1), hides none or all of the patches, or of no meaning with
/// this kind), "hidden: …" (of another length, hides none or all), or "mask_kind: …" (a grid over a single
/// patch).
absl::Status CheckMask(const ReconstructOptions& options, const MaskedAutoencoderOptions& model);

/// What each image is answered at, in order: the ratios asked for, else one, the model's own.
std::vector<double> RatiosOf(const ReconstructOptions& options, const MaskedAutoencoderOptions& model);

/// @param options that CheckMask takes. @param ratio of RatiosOf.
/// @return of image i what (seed, i) and the ratio draw, whatever else the call asks for.
Mask MakeMask(const ReconstructOptions& options, const MaskedAutoencoderOptions& model, double ratio,
              int64_t images, const torch::Device& device);

}  // namespace mae
