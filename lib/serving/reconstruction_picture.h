#pragma once

#include <vector>

#include "options/model_card.h"
#include "serving/predictor.h"

/// Pictures of what an autoencoder made of one image. Pure; torch-free. Planes are [C, H, W] of the model's
/// size, mean/std-normalised; NaN is drawn black.
namespace mae {

/// Planes as pixels in 0..1: clip(value * std + mean).
FloatTensor PixelsOf(const float* planes, const ModelConfig& config);

/// Planes as a picture. The model has 1 or 3 channels.
Picture DrawPlanes(const float* planes, const ModelConfig& config);

/// Fills the four pictures of `result` by its `hidden` [L]: hidden patches are mid-grey (128) in `masked`,
/// and only they come from `rebuilt` in `pasted`. The model has 1 or 3 channels.
void DrawReconstruction(const float* original, const float* rebuilt, const ModelConfig& config,
                        ReconstructionResult& result);

}  // namespace mae
