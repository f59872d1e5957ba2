#pragma once

#include <torch/torch.h>

#include "nn/block.h"
#include "nn/patch_embed.h"
#include "options/model_options.h"

namespace mae {

/// A Vision Transformer classifier over the encoder of a Masked Autoencoder.
/// kMean: mean of the patch tokens -> fc_norm -> head (no `norm`); kToken: norm -> class token -> head.
/// Parameter names are those of the public MAE and timm classifiers. The position embedding is a parameter
/// that is always trained: sin-cos or trunc-normal at the start, by the options.
///
/// Concurrent forward calls are safe in eval mode only. Errors of shape or device throw c10::Error.
class VisionTransformerImpl : public torch::nn::Module {
 public:
  /// Draws initial weights from the default CPU generator: trunc-normal(0.02) linears and class token.
  explicit VisionTransformerImpl(const VisionTransformerOptions& options);

  /// @param images [B, C, H, W] float, mean/std-normalised.
  /// @return logits [B, num_classes] float32; the features if num_classes is 0.
  torch::Tensor forward(const torch::Tensor& images);

  /// What the head reads. @return [B, D].
  torch::Tensor Features(const torch::Tensor& images);

  /// All tokens after the last block, before any norm. @return [B, 1+L, D], class token first.
  torch::Tensor Tokens(const torch::Tensor& images);

  /// The model's last LayerNorm: fc_norm (kMean), made for means of patch tokens, or norm (kToken), made for
  /// tokens.
  /// @param tokens [.., D]; the same shape comes back.
  torch::Tensor Normalize(const torch::Tensor& tokens);

  const VisionTransformerOptions& options() const { return options_; }

 private:
  VisionTransformerOptions options_;
  PatchEmbed patch_embed_;
  torch::Tensor cls_token_, pos_embed_;
  torch::nn::ModuleList blocks_;
  torch::nn::LayerNorm norm_;  // registered as fc_norm (kMean) or norm (kToken)
  torch::nn::Linear head_;
};
TORCH_MODULE(VisionTransformer);

}  // namespace mae
