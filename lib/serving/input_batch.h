#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "options/model_card.h"
#include "serving/predictor.h"

namespace mae {

/// The inputs of a call as one batch of what a model reads. Pictures get its channels (alpha over white,
/// luma), then its size, by the centre crop of evaluation (augment/center_crop.h, ratio 1), then
/// (pixel / 255 - mean) / std; normalised tensors are taken as they are. Pure; torch-free.
/// @return [inputs, C, H, W] row-major. INVALID_ARGUMENT "images[i]: …": a picture whose pixels don't fit its
/// sizes or
///   that a model of other than 1 or 3 channels can't read; a tensor of another shape or with NaN or infinity
///   in it; "images: …" if there is none.
absl::StatusOr<std::vector<float>> NormalizedBatch(const std::vector<PredictorInput>& inputs,
                                                   const ModelConfig& config);

}  // namespace mae
