#pragma once

#include <torch/torch.h>

#include "nn/attention.h"
#include "nn/drop_path.h"
#include "nn/fused_block.h"
#include "nn/mlp.h"
#include "options/model_options.h"

namespace mae {

/// Pre-norm transformer block (Dosovitskiy et al. 2021, eq. 2-3): x + attn(norm1(x)), then x + mlp(norm2(x)).
/// Under autocast to bf16 on a CPU that has such instructions it runs as a FusedBlock, in training too.
class BlockImpl : public torch::nn::Module {
 public:
  /// @param shared gives mlp_ratio, qkv_bias and the LayerNorm epsilon.
  BlockImpl(int64_t dim, int64_t num_heads, const EncoderOptions& shared, double drop_path = 0.0);

  /// @param x [B, N, dim].
  /// @param first_output tokens before it are only attended to; nothing is computed for them beyond that.
  /// @return [B, N - first_output, dim].
  torch::Tensor forward(const torch::Tensor& x, int64_t first_output = 0);

  /// From here on the graph keeps of the block its input alone, and the backward pass runs the block again:
  /// the same gradients bit for bit, from less memory in more time (Chen et al. 2016, arXiv:1604.06174).
  void RecomputeActivations() { recomputes_ = true; }

  /// What the first token attends to in this block. @return [B, heads, N].
  torch::Tensor FirstTokenWeights(const torch::Tensor& x) { return attn_->FirstTokenWeights(norm1_(x)); }

 private:
  torch::nn::LayerNorm norm1_, norm2_;
  Attention attn_;
  Mlp mlp_;
  DropPath drop_path_;
  c10::intrusive_ptr<FusedBlock> fused_;  // null where it can't be
  bool recomputes_ = false;
};
TORCH_MODULE(Block);

/// A LayerNorm over the last `dim` values with the given epsilon.
torch::nn::LayerNorm MakeLayerNorm(int64_t dim, double eps);

}  // namespace mae
