#include "models/masked_autoencoder.h"

#include "models/reconstruction_loss.h"
#include "nn/init.h"
#include "nn/position_embedding.h"

namespace mae {
namespace {

torch::Tensor NormalToken(int64_t dim) { return torch::empty({1, 1, dim}).normal_(0.0, 0.02); }

}  // namespace

MaskedAutoencoderImpl::MaskedAutoencoderImpl(const MaskedAutoencoderOptions& options)
    : options_(options),
      patch_embed_(nullptr),
      blocks_(nullptr),
      norm_(nullptr),
      decoder_embed_(nullptr),
      decoder_blocks_(nullptr),
      decoder_norm_(nullptr),
      decoder_pred_(nullptr) {
  const auto& enc = options_.encoder;
  const auto& dec = options_.decoder;
  const auto rows = enc.grid_rows(), cols = enc.grid_cols();
  const bool learned = enc.position_embedding == PositionEmbedding::kLearned;

  cls_token_ = register_parameter("cls_token", NormalToken(enc.embed_dim));
  pos_embed_ = register_parameter("pos_embed",
                                  learned ? torch::zeros({1, 1 + rows * cols, enc.embed_dim})
                                          : SinCosPositionEmbedding(enc.embed_dim, rows, cols),
                                  learned);
  if (learned) TruncNormal(pos_embed_, 0.02);
  mask_token_ = register_parameter("mask_token", NormalToken(dec.embed_dim));
  decoder_pos_embed_ = register_parameter(
      "decoder_pos_embed", SinCosPositionEmbedding(dec.embed_dim, rows, cols), /*requires_grad=*/false);
  patch_embed_ = register_module("patch_embed", PatchEmbed(enc));
  blocks_ = register_module("blocks", BlockStack(enc.depth, enc.embed_dim, enc.num_heads, enc));
  norm_ = register_module("norm", MakeLayerNorm(enc.embed_dim, enc.layer_norm_eps));
  decoder_embed_ = register_module("decoder_embed", torch::nn::Linear(enc.embed_dim, dec.embed_dim));
  decoder_blocks_ =
      register_module("decoder_blocks", BlockStack(dec.depth, dec.embed_dim, dec.num_heads, enc));
  decoder_norm_ = register_module("decoder_norm", MakeLayerNorm(dec.embed_dim, enc.layer_norm_eps));
  decoder_pred_ = register_module("decoder_pred", torch::nn::Linear(dec.embed_dim, enc.patch_dim()));
  InitLinears(*this, XavierUniform);
}

torch::Tensor MaskedAutoencoderImpl::WithClassToken(const torch::Tensor& patches) {
  const auto cls = (cls_token_ + pos_embed_.slice(1, 0, 1)).expand({patches.size(0), -1, -1});
  return torch::cat({cls.to(patches.dtype()), patches}, 1);
}

torch::Tensor MaskedAutoencoderImpl::RunEncoder(const torch::Tensor& patches) {
  return norm_(blocks_(WithClassToken(patches)));
}

torch::Tensor MaskedAutoencoderImpl::ClassTokenAttention(const torch::Tensor& images) {
  return blocks_->FirstTokenWeights(WithClassToken(patch_embed_(images) + pos_embed_.slice(1, 1)));
}

torch::Tensor MaskedAutoencoderImpl::Encode(const torch::Tensor& images, const Mask& mask) {
  const auto positions = pos_embed_.slice(1, 1).expand({images.size(0), -1, -1});
  return RunEncoder(patch_embed_->ForwardVisible(images, mask.keep) + GatherTokens(positions, mask.keep));
}

torch::Tensor MaskedAutoencoderImpl::Tokens(const torch::Tensor& images) {
  return RunEncoder(patch_embed_(images) + pos_embed_.slice(1, 1));
}

torch::Tensor MaskedAutoencoderImpl::Decode(const torch::Tensor& latent, const torch::Tensor& ids_restore) {
  const auto x = decoder_embed_(latent);
  const auto batch = x.size(0), hidden = ids_restore.size(1) + 1 - x.size(1);
  const auto fill = mask_token_.to(x.dtype()).expand({batch, hidden, -1});
  const auto patches = GatherTokens(torch::cat({x.slice(1, 1), fill}, 1), ids_restore);
  const auto y = decoder_blocks_(torch::cat({x.slice(1, 0, 1), patches}, 1) + decoder_pos_embed_);
  return decoder_pred_(decoder_norm_(y.slice(1, 1)));
}

torch::Tensor MaskedAutoencoderImpl::DecoderTokens(const torch::Tensor& latent, const Mask& mask) {
  const auto x = decoder_embed_(latent);
  const auto batch = x.size(0);
  const auto fill = mask_token_.to(x.dtype()).expand({batch, mask.num_hidden(), -1});
  const auto table = decoder_pos_embed_.squeeze(0);
  const auto shuffle = torch::cat({mask.keep, mask.hidden}, 1) + 1;
  const auto places = torch::cat({torch::zeros({batch, 1}, shuffle.options()), shuffle}, 1);
  return torch::cat({x, fill}, 1) + table.index_select(0, places.flatten()).view({batch, -1, table.size(1)});
}

torch::Tensor MaskedAutoencoderImpl::Loss(const torch::Tensor& images, const Mask& mask) {
  // Attention does not care for the order of tokens, so they stay in encoder order, hidden ones last.
  const auto first_hidden = 1 + mask.keep.size(1);
  const auto y = decoder_blocks_(DecoderTokens(Encode(images, mask), mask), first_hidden);
  const auto pred = decoder_pred_(decoder_norm_(y));
  const auto target = GatherTokens(Patchify(images, options_.encoder.patch_size), mask.hidden);
  return ReconstructionLoss(pred, target,
                            torch::ones(target.sizes().slice(0, 2), torch::TensorOptions(target.device())),
                            options_.norm_pix_loss);
}

bool MaskedAutoencoderImpl::Pack(WeightFormat format, WorkQueue* helpers) {
  const bool encoder = blocks_->Pack(format, helpers), decoder = decoder_blocks_->Pack(format, helpers);
  return encoder && decoder;
}

MaskedAutoencoderImpl::Output MaskedAutoencoderImpl::forward(const torch::Tensor& images, const Mask& mask) {
  Output out;
  out.latent = Encode(images, mask);
  out.pred = Decode(out.latent, mask.ids_restore);
  out.loss = ReconstructionLoss(out.pred, Patchify(images, options_.encoder.patch_size), mask.mask,
                                options_.norm_pix_loss);
  return out;
}

}  // namespace mae
