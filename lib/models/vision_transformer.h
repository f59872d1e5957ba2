#pragma once

#include <torch/torch.h>

#include "nn/block_stack.h"
#include "nn/patch_embed.h"
#include "options/model_options.h"

namespace mae {

/// A Vision Transformer classifier over the encoder of a Masked Autoencoder.
/// kMean: mean of the patch tokens -> fc_norm -> head (no `norm`); kToken: norm -> class token -> head.
/// The head is a linear layer, `head`; for batch_norm_head, `head.0` is batch normalisation without affine
/// parameters (eps 1e-6, momentum 0.1: a train-mode batch needs two images) and `head.1` the linear layer.
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

  /// The head alone: features [B, D] to logits [B, num_classes] float32; the features if num_classes is 0.
  torch::Tensor Classify(const torch::Tensor& features);

  /// `head`, nullptr if num_classes is 0. Its mode (train, eval) matters for batch_norm_head alone.
  torch::nn::Module* head();

  /// All tokens after the last block, before any norm. @return [B, 1+L, D], class token first.
  torch::Tensor Tokens(const torch::Tensor& images);

  /// What the class token attends to in the last block.
  /// @return [B, heads, 1+L], class token first; each row's sum is 1.
  torch::Tensor ClassTokenAttention(const torch::Tensor& images);

  /// The model's last LayerNorm: fc_norm (kMean), made for means of patch tokens, or norm (kToken), made for
  /// tokens.
  /// @param tokens [.., D]; the same shape comes back.
  torch::Tensor Normalize(const torch::Tensor& tokens);

  /// BlockStack::RecomputeActivations of its blocks.
  void RecomputeActivations() { blocks_->RecomputeActivations(); }

  /// For inference on a CPU from here on: BlockStack::Pack of its blocks.
  bool Pack(WeightFormat format, WorkQueue* helpers = nullptr) { return blocks_->Pack(format, helpers); }

  const VisionTransformerOptions& options() const { return options_; }

 private:
  void MakeHead();
  /// What the first block reads. @return [B, 1+L, D].
  torch::Tensor FirstTokens(const torch::Tensor& images);

  VisionTransformerOptions options_;
  PatchEmbed patch_embed_;
  torch::Tensor cls_token_, pos_embed_;
  BlockStack blocks_;
  torch::nn::LayerNorm norm_;          // registered as fc_norm (kMean) or norm (kToken)
  torch::nn::BatchNorm1d batch_norm_;  // head.0, if batch_norm_head
  torch::nn::Linear linear_;           // head, or head.1
  std::shared_ptr<torch::nn::Module> head_;
};
TORCH_MODULE(VisionTransformer);

}  // namespace mae
