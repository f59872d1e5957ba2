#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace mae {

/// The noise that masks are sorted from (models/masking.h), counted and not carried: image i of epoch e has
/// the same mask in whatever batch it comes, and in a resumed run. Pure functions.

/// @param indices of the images in their split.
/// @return [indices, num_patches] float32 in [0, 1), on the CPU; row i depends on (seed, epoch, indices[i])
/// alone.
torch::Tensor TrainMaskNoise(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices,
                             int64_t num_patches);

/// The same for validation images: no epoch and no seed in it, so that every pass of every job hides the same
/// patches and their losses compare.
torch::Tensor ValidationMaskNoise(const std::vector<int64_t>& indices, int64_t num_patches);

}  // namespace mae
