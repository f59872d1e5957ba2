#include "nn/attention.h"

#include <cmath>

namespace mae {

AttentionImpl::AttentionImpl(int64_t dim, int64_t num_heads, bool qkv_bias)
    : num_heads_(num_heads),
      scale_(1.0 / std::sqrt(static_cast<double>(dim / num_heads))),
      qkv_(register_module("qkv", torch::nn::Linear(torch::nn::LinearOptions(dim, 3 * dim).bias(qkv_bias)))),
      proj_(register_module("proj", torch::nn::Linear(dim, dim))) {
  TORCH_CHECK(dim % num_heads == 0, "attention: width ", dim, " is not a multiple of ", num_heads, " heads");
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& x, int64_t first_query) {
  const auto b = x.size(0), n = x.size(1), dim = x.size(2);
  const auto qkv = qkv_(x).reshape({b, n, 3, num_heads_, dim / num_heads_}).permute({2, 0, 3, 1, 4});
  const auto q = qkv[0].slice(2, first_query), k = qkv[1], v = qkv[2];
  const auto mixed = x.is_cpu()
                         ? torch::matmul((torch::matmul(q * scale_, k.transpose(-2, -1))).softmax(-1), v)
                         : at::scaled_dot_product_attention(q, k, v);
  return proj_(mixed.transpose(1, 2).reshape({b, n - first_query, dim}));
}

torch::Tensor AttentionImpl::FirstTokenWeights(const torch::Tensor& x) {
  const auto b = x.size(0), n = x.size(1), dim = x.size(2);
  const auto qkv = qkv_(x).reshape({b, n, 3, num_heads_, dim / num_heads_}).permute({2, 0, 3, 1, 4});
  const auto q = qkv[0].slice(2, 0, 1) * scale_, k = qkv[1];
  return torch::matmul(q, k.transpose(-2, -1)).softmax(-1).squeeze(2);
}

}  // namespace mae
