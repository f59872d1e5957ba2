#pragma once

#include <torch/torch.h>

namespace mae {

/// Multi-head self-attention (Vaswani et al. 2017, sec. 3.2.2) with one fused projection `qkv`, rows q, k, v.
/// Plain batched products: at the 10 to 260 tokens of these models they are about twice as fast on CPUs as
/// LibTorch's scaled_dot_product_attention, which is used on GPUs.
class AttentionImpl : public torch::nn::Module {
 public:
  /// @param dim token width, a multiple of num_heads.
  AttentionImpl(int64_t dim, int64_t num_heads, bool qkv_bias);

  /// @param x [B, N, dim].
  /// @param first_query tokens before it are attended to but ask nothing themselves: their rows are left out.
  /// @return [B, N - first_query, dim].
  torch::Tensor forward(const torch::Tensor& x, int64_t first_query = 0);

  /// What the first token attends to, for pictures of it. @return [B, heads, N]; each row's sum is 1.
  torch::Tensor FirstTokenWeights(const torch::Tensor& x);

 private:
  int64_t num_heads_;
  double scale_;
  torch::nn::Linear qkv_, proj_;
};
TORCH_MODULE(Attention);

}  // namespace mae
