#include "nn/block.h"

namespace mae {

torch::nn::LayerNorm MakeLayerNorm(int64_t dim, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}).eps(eps));
}

BlockImpl::BlockImpl(int64_t dim, int64_t num_heads, const EncoderOptions& shared, double drop_path)
    : norm1_(register_module("norm1", MakeLayerNorm(dim, shared.layer_norm_eps))),
      norm2_(register_module("norm2", MakeLayerNorm(dim, shared.layer_norm_eps))),
      attn_(register_module("attn", Attention(dim, num_heads, shared.qkv_bias))),
      mlp_(register_module("mlp", Mlp(dim, shared.hidden_width(dim)))),
      drop_path_(register_module("drop_path", DropPath(drop_path))) {}

torch::Tensor BlockImpl::forward(const torch::Tensor& x, int64_t first_output) {
  const auto attended = x.slice(1, first_output) + drop_path_(attn_(norm1_(x), first_output));
  return attended + drop_path_(mlp_(norm2_(attended)));
}

torch::Tensor LastFirstTokenWeights(torch::nn::ModuleListImpl& blocks, torch::Tensor x) {
  for (size_t i = 0; i + 1 < blocks.size(); ++i) x = blocks[i]->as<BlockImpl>()->forward(x);
  return blocks[blocks.size() - 1]->as<BlockImpl>()->FirstTokenWeights(x);
}

}  // namespace mae
