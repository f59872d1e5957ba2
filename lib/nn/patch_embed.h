#pragma once

#include <torch/torch.h>

#include "options/model_options.h"

namespace mae {

/// Cuts images into patches, each as a vector in (row, column, channel) order: the order of MAE's targets.
/// @param images [B, C, H, W], H and W multiples of patch.
/// @return [B, (H/patch)*(W/patch), patch*patch*C], patches row-major.
torch::Tensor Patchify(const torch::Tensor& images, int64_t patch);

/// The inverse of Patchify.
/// @param patches [B, rows*cols, patch*patch*C].
/// @return [B, C, rows*patch, cols*patch].
torch::Tensor Unpatchify(const torch::Tensor& patches, int64_t patch, int64_t rows, int64_t cols);

/// Patch embedding (Dosovitskiy et al. 2021, sec. 3.1): a linear map of each patch. The weight keeps the
/// shape [D, C, P, P] of the convolution that others write it as, under the name `proj.weight`.
class PatchEmbedImpl : public torch::nn::Module {
 public:
  explicit PatchEmbedImpl(const EncoderOptions& options);

  /// @param images [B, C, H, W] float, of the size in the options.
  /// @return [B, L, D].
  torch::Tensor forward(const torch::Tensor& images);

  /// Embeds only the chosen patches, so hidden ones cost nothing.
  /// @param keep [B, K] int64 row-major patch ids.
  /// @return [B, K, D], in the order of keep.
  torch::Tensor ForwardVisible(const torch::Tensor& images, const torch::Tensor& keep);

 private:
  /// [B, C, H, W] -> [B, L, C*P*P], the (channel, row, column) order of the weight.
  torch::Tensor Unfold(const torch::Tensor& images) const;
  torch::Tensor Project(const torch::Tensor& patches) const;

  int64_t patch_;
  torch::nn::Conv2d proj_;
};
TORCH_MODULE(PatchEmbed);

}  // namespace mae
