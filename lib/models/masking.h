#pragma once

#include <torch/torch.h>

namespace mae {

/// Which patches of each image are hidden. Every image of a batch hides the same number of them; of 0 there
/// is no loss.
struct Mask {
  torch::Tensor keep;         ///< [B, K] int64, row-major ids of visible patches, in encoder order
  torch::Tensor hidden;       ///< [B, L - K] int64, row-major ids of the other patches
  torch::Tensor ids_restore;  ///< [B, L] int64, the place of each patch in (visible, hidden) order
  torch::Tensor mask;         ///< [B, L] float32, 1 hidden, 0 visible
  int64_t num_hidden() const { return hidden.size(1); }
};

/// floor(num_patches * (1 - mask_ratio)) in double precision: the count of visible patches.
int64_t VisiblePatches(int64_t num_patches, double mask_ratio);

/// Per-image random masking by sorting noise: the patches with the smallest values stay visible, smallest
/// first (He et al. 2022, sec. 3, "Simple implementation").
/// @param noise [B, L] float32; equal noise gives the equal mask on any device.
/// @throws c10::Error if no patch would stay visible or none be hidden.
Mask MaskFromNoise(const torch::Tensor& noise, double mask_ratio);

/// The mask that the caller asks for.
/// @param hidden [B, L] bool; every row hides the same number of patches, at least 1 and at most L - 1.
/// @throws c10::Error otherwise.
Mask MaskFromHidden(const torch::Tensor& hidden);

/// No patch hidden: all of them visible, in row-major order.
/// @param device where its tensors are.
Mask NothingHidden(int64_t images, int64_t num_patches, const torch::Device& device);

/// Selects rows by id: tokens [B, L, D], ids [B, K] -> [B, K, D].
torch::Tensor GatherTokens(const torch::Tensor& tokens, const torch::Tensor& ids);

}  // namespace mae
