#include "nn/block.h"

#include <ATen/autocast_mode.h>

#include "nn/recomputed.h"

namespace mae {
namespace {

bool IsBf16OnCpu(const torch::Tensor& x) {
  return x.is_cpu() && at::autocast::is_autocast_enabled(torch::kCPU) &&
         at::autocast::get_autocast_dtype(torch::kCPU) == torch::kBFloat16;
}

BlockParameters ParametersOf(const torch::nn::Module& block) {
  const auto all = block.named_parameters();
  const auto get = [&all](const char* name) {
    const auto* found = all.find(name);
    return found == nullptr ? torch::Tensor() : *found;
  };
  return {get("norm1.weight"),     get("norm1.bias"),     get("attn.qkv.weight"), get("attn.qkv.bias"),
          get("attn.proj.weight"), get("attn.proj.bias"), get("norm2.weight"),    get("norm2.bias"),
          get("mlp.fc1.weight"),   get("mlp.fc1.bias"),   get("mlp.fc2.weight"),  get("mlp.fc2.bias")};
}

}  // namespace

torch::nn::LayerNorm MakeLayerNorm(int64_t dim, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}).eps(eps));
}

BlockImpl::BlockImpl(int64_t dim, int64_t num_heads, const EncoderOptions& shared, double drop_path)
    : norm1_(register_module("norm1", MakeLayerNorm(dim, shared.layer_norm_eps))),
      norm2_(register_module("norm2", MakeLayerNorm(dim, shared.layer_norm_eps))),
      attn_(register_module("attn", Attention(dim, num_heads, shared.qkv_bias))),
      mlp_(register_module("mlp", Mlp(dim, shared.hidden_width(dim)))),
      drop_path_(register_module("drop_path", DropPath(drop_path))) {
  const BlockWidths widths{dim, num_heads, shared.hidden_width(dim),
                           static_cast<float>(shared.layer_norm_eps)};
  if (FusedBlock::CanRun(widths)) fused_ = c10::make_intrusive<FusedBlock>(widths, ParametersOf(*this));
}

torch::Tensor BlockImpl::forward(const torch::Tensor& x, int64_t first_output) {
  const auto attention_scales = drop_path_->Scales(x.size(0), x.device());
  const auto mlp_scales = drop_path_->Scales(x.size(0), x.device());
  if (fused_ && IsBf16OnCpu(x)) {
    return FusedBlock::Run(fused_, x, first_output, attention_scales, mlp_scales, recomputes_);
  }
  auto run = [=, norm1 = norm1_, norm2 = norm2_, attn = attn_, mlp = mlp_](const torch::Tensor& in) mutable {
    const auto attended =
        in.slice(1, first_output) + DropPathImpl::Scaled(attn(norm1(in), first_output), attention_scales);
    return attended + DropPathImpl::Scaled(mlp(norm2(attended)), mlp_scales);
  };
  return recomputes_ && torch::GradMode::is_enabled() ? Recomputed(run, x, parameters()) : run(x);
}

}  // namespace mae
