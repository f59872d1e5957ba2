#include "models/vision_transformer.h"

#include "nn/init.h"
#include "nn/position_embedding.h"

namespace mae {
namespace {

// On CPUs a product of a few rows goes another way than one of many, and sums in another order: an image
// alone would not have the last bits that it has in a batch.
torch::Tensor InAnyBatch(torch::nn::Linear& linear, const torch::Tensor& x) {
  constexpr int64_t kLeastRows = 4;
  const auto rows = x.size(0);
  if (!x.is_cpu() || rows >= kLeastRows || at::GradMode::is_enabled()) return linear(x);
  return linear(torch::constant_pad_nd(x, {0, 0, 0, kLeastRows - rows})).slice(0, 0, rows);
}

}  // namespace

VisionTransformerImpl::VisionTransformerImpl(const VisionTransformerOptions& options)
    : options_(options),
      patch_embed_(nullptr),
      blocks_(nullptr),
      norm_(nullptr),
      batch_norm_(nullptr),
      linear_(nullptr) {
  const auto& enc = options_.encoder;
  const bool learned = enc.position_embedding == PositionEmbedding::kLearned;
  cls_token_ = register_parameter("cls_token", torch::zeros({1, 1, enc.embed_dim}));
  TruncNormal(cls_token_, 0.02);
  pos_embed_ = register_parameter(
      "pos_embed", learned ? torch::zeros({1, 1 + enc.num_patches(), enc.embed_dim})
                           : SinCosPositionEmbedding(enc.embed_dim, enc.grid_rows(), enc.grid_cols()));
  if (learned) TruncNormal(pos_embed_, 0.02);
  patch_embed_ = register_module("patch_embed", PatchEmbed(enc));

  blocks_ =
      register_module("blocks", BlockStack(enc.depth, enc.embed_dim, enc.num_heads, enc, options_.drop_path));
  const char* norm_name = options_.pooling == Pooling::kMean ? "fc_norm" : "norm";
  norm_ = register_module(norm_name, MakeLayerNorm(enc.embed_dim, enc.layer_norm_eps));
  if (options_.num_classes > 0) MakeHead();
  InitLinears(*this, [](torch::Tensor weight) { TruncNormal(std::move(weight), 0.02); });
}

void VisionTransformerImpl::MakeHead() {
  const int64_t width = options_.encoder.embed_dim;
  linear_ = torch::nn::Linear(width, options_.num_classes);
  if (options_.batch_norm_head) {
    batch_norm_ = torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(width).eps(1e-6).affine(false));
    head_ = register_module("head", torch::nn::Sequential(batch_norm_, linear_));
  } else {
    head_ = register_module("head", linear_);
  }
}

torch::nn::Module* VisionTransformerImpl::head() { return head_.get(); }

torch::Tensor VisionTransformerImpl::FirstTokens(const torch::Tensor& images) {
  const auto patches = patch_embed_(images);
  const auto cls = cls_token_.to(patches.dtype()).expand({images.size(0), -1, -1});
  return torch::cat({cls, patches}, 1) + pos_embed_;
}

torch::Tensor VisionTransformerImpl::Tokens(const torch::Tensor& images) {
  return blocks_(FirstTokens(images));
}

torch::Tensor VisionTransformerImpl::ClassTokenAttention(const torch::Tensor& images) {
  return blocks_->FirstTokenWeights(FirstTokens(images));
}

torch::Tensor VisionTransformerImpl::Normalize(const torch::Tensor& tokens) { return norm_(tokens); }

torch::Tensor VisionTransformerImpl::Features(const torch::Tensor& images) {
  const auto tokens = Tokens(images);
  return options_.pooling == Pooling::kMean ? norm_(tokens.slice(1, 1).mean(1)) : norm_(tokens.select(1, 0));
}

torch::Tensor VisionTransformerImpl::Classify(const torch::Tensor& features) {
  if (options_.num_classes == 0) return features.to(torch::kFloat32);
  // Statistics of bf16 features would be too coarse.
  const auto read = options_.batch_norm_head ? batch_norm_(features.to(torch::kFloat32)) : features;
  return InAnyBatch(linear_, read).to(torch::kFloat32);
}

torch::Tensor VisionTransformerImpl::forward(const torch::Tensor& images) {
  return Classify(Features(images));
}

}  // namespace mae
