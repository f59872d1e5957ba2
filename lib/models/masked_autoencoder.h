#pragma once

#include <torch/torch.h>

#include "models/masking.h"
#include "nn/block_stack.h"
#include "nn/patch_embed.h"
#include "options/model_options.h"

namespace mae {

/// A Masked Autoencoder: an encoder that sees the visible patches, a lighter decoder that predicts the hidden
/// ones (He et al. 2022, arXiv:2111.06377, sec. 3). Parameter names are those of the public MAE checkpoints
/// (`blocks.0.attn.qkv.weight`, `decoder_pred.weight`, …). Position embeddings of kind kSinCos are parameters
/// that need no gradient.
///
/// Concurrent forward calls are safe in eval mode only. Errors of shape or device throw c10::Error.
class MaskedAutoencoderImpl : public torch::nn::Module {
 public:
  struct Output {
    torch::Tensor loss;    ///< float32 scalar
    torch::Tensor pred;    ///< [B, L, P*P*C], every patch, (row, column, channel) order
    torch::Tensor latent;  ///< [B, 1+K, D], class token first, then visible patches in order of mask.keep
  };

  /// Draws initial weights from the default CPU generator: xavier-uniform linears, normal(0.02) tokens.
  explicit MaskedAutoencoderImpl(const MaskedAutoencoderOptions& options);

  /// @param images [B, C, H, W] float, mean/std-normalised, on the module's device.
  /// @param mask from MaskFromNoise or MaskFromHidden over num_patches(), on the same device.
  Output forward(const torch::Tensor& images, const Mask& mask);

  /// The loss of forward() alone, for training: predictions of visible patches, which do not count, are never
  /// computed, nor the last decoder block's output for them. Equal to forward().loss up to rounding.
  /// @return float32 scalar.
  torch::Tensor Loss(const torch::Tensor& images, const Mask& mask);

  /// Visible patches to latents. @return [B, 1+K, D].
  torch::Tensor Encode(const torch::Tensor& images, const Mask& mask);

  /// Every patch, none hidden, in row-major order: what an embedding reads; depends on the images alone.
  /// @return [B, 1+L, D] after `norm`, class token first.
  torch::Tensor Tokens(const torch::Tensor& images);

  /// What the class token attends to in the encoder's last block, no patch hidden.
  /// @return [B, heads, 1+L], class token first; each row's sum is 1.
  torch::Tensor ClassTokenAttention(const torch::Tensor& images);

  /// Latents to predictions of every patch. @return [B, L, P*P*C].
  torch::Tensor Decode(const torch::Tensor& latent, const torch::Tensor& ids_restore);

  /// BlockStack::RecomputeActivations of the encoder's and the decoder's blocks.
  void RecomputeActivations() {
    blocks_->RecomputeActivations();
    decoder_blocks_->RecomputeActivations();
  }

  /// For inference on a CPU from here on: BlockStack::Pack of the encoder's and the decoder's blocks.
  bool Pack(WeightFormat format, WorkQueue* helpers = nullptr);

  const MaskedAutoencoderOptions& options() const { return options_; }

 private:
  /// The class token before patches [B, N, D], embedded and with their positions -> [B, 1+N, D].
  torch::Tensor WithClassToken(const torch::Tensor& patches);
  /// Likewise, through the blocks and norm.
  torch::Tensor RunEncoder(const torch::Tensor& patches);

  /// Decoder tokens in encoder order: class token, visible patches, then hidden ones; positions added.
  torch::Tensor DecoderTokens(const torch::Tensor& latent, const Mask& mask);

  MaskedAutoencoderOptions options_;
  PatchEmbed patch_embed_;
  torch::Tensor cls_token_, pos_embed_;
  BlockStack blocks_;
  torch::nn::LayerNorm norm_;
  torch::nn::Linear decoder_embed_;
  torch::Tensor mask_token_, decoder_pos_embed_;
  BlockStack decoder_blocks_;
  torch::nn::LayerNorm decoder_norm_;
  torch::nn::Linear decoder_pred_;
};
TORCH_MODULE(MaskedAutoencoder);

}  // namespace mae
