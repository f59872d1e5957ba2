#pragma once

#include <torch/torch.h>

namespace mae {

/// Mean and standard deviation that a norm-pix target was normalised with.
struct PatchStatistics {
  torch::Tensor mean;     ///< [B, L, 1]
  torch::Tensor std_dev;  ///< [B, L, 1], sqrt(var + 1e-6), var over N - 1 values
};

/// Statistics of each patch over its pixels and channels together.
/// @param patches [B, L, P*P*C], mean/std-normalised pixels; computed in float32.
PatchStatistics StatisticsOf(const torch::Tensor& patches);

/// Squared error per pixel of each patch, hidden or not: what the loss averages.
/// @param pred, patches, norm_pix as for ReconstructionLoss.
/// @return [B, L] float32.
torch::Tensor ReconstructionErrors(const torch::Tensor& pred, const torch::Tensor& patches, bool norm_pix);

/// Squared error per pixel, averaged over all hidden patches of the batch (He et al. 2022, sec. 3,
/// "Reconstruction target"); float32 whatever the prediction's type.
/// @param pred [B, L, P*P*C].
/// @param patches the images by Patchify, same shape.
/// @param mask [B, L], 1 where a patch counts.
/// @param norm_pix normalise each target patch by its own statistics first.
/// @return float32 scalar.
torch::Tensor ReconstructionLoss(const torch::Tensor& pred, const torch::Tensor& patches,
                                 const torch::Tensor& mask, bool norm_pix);

}  // namespace mae
