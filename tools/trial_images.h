#pragma once

#include <cstdint>
#include <string>

#include "image/codec.h"
#include "mae/v1/inference.pb.h"

namespace mae {

/// Noise of `side` x `side` pixels and 3 channels; another for each index, so that a response cache does not
/// help.
Picture TrialPicture(int64_t index, int64_t side);

/// What the trials of serving_trials send: a request of one noise picture of 32 x 32 as PNG, with logits;
/// another for each index.
v1::ClassifyRequest TrialRequest(const std::string& model, int64_t index);

/// Writes a ViT-Tiny/4 for 32 x 32 pixels and ten classes, of random weights, as a model folder.
void MakeTrialModel(const std::string& folder, uint64_t seed);

}  // namespace mae
