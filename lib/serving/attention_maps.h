#pragma once

#include <vector>

#include "options/model_card.h"
#include "serving/predictor.h"

namespace mae {

/// The maps of a batch. Pure; torch-free.
/// @param weights [B, heads, 1+L], the class token's own first.
/// @param batch [B, C, H, W], normalised. @param pictures whether to fill `images`; the model has 1 or 3
/// channels.
AttentionMaps MapsOf(const FloatTensor& weights, const std::vector<float>& batch, const ModelConfig& config,
                     bool pictures);

}  // namespace mae
