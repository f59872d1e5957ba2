#include "nn/patch_embed.h"

#include "nn/init.h"

namespace mae {

torch::Tensor Patchify(const torch::Tensor& images, int64_t patch) {
  TORCH_CHECK(images.dim() == 4 && images.size(2) % patch == 0 && images.size(3) % patch == 0,
              "images must be [B,C,H,W] with H and W multiples of the patch ", patch, ", got ",
              images.sizes());
  const auto b = images.size(0), c = images.size(1);
  const auto rows = images.size(2) / patch, cols = images.size(3) / patch;
  return images.reshape({b, c, rows, patch, cols, patch})
      .permute({0, 2, 4, 3, 5, 1})
      .reshape({b, rows * cols, patch * patch * c});
}

torch::Tensor Unpatchify(const torch::Tensor& patches, int64_t patch, int64_t rows, int64_t cols) {
  TORCH_CHECK(patches.dim() == 3 && patches.size(1) == rows * cols && patches.size(2) % (patch * patch) == 0,
              "patches must be [B,", rows * cols, ",n*", patch * patch, "], got ", patches.sizes());
  const auto b = patches.size(0), c = patches.size(2) / (patch * patch);
  return patches.reshape({b, rows, cols, patch, patch, c})
      .permute({0, 5, 1, 3, 2, 4})
      .reshape({b, c, rows * patch, cols * patch});
}

PatchEmbedImpl::PatchEmbedImpl(const EncoderOptions& options)
    : patch_(options.patch_size),
      proj_(register_module(
          "proj",
          torch::nn::Conv2d(torch::nn::Conv2dOptions(options.channels, options.embed_dim, options.patch_size)
                                .stride(options.patch_size)))) {
  XavierUniform(proj_->weight);
}

torch::Tensor PatchEmbedImpl::Unfold(const torch::Tensor& images) const {
  const auto b = images.size(0), c = images.size(1);
  const auto rows = images.size(2) / patch_, cols = images.size(3) / patch_;
  return images.reshape({b, c, rows, patch_, cols, patch_})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({b, rows * cols, c * patch_ * patch_});
}

torch::Tensor PatchEmbedImpl::Project(const torch::Tensor& patches) const {
  return torch::linear(patches, proj_->weight.flatten(1), proj_->bias);
}

torch::Tensor PatchEmbedImpl::forward(const torch::Tensor& images) { return Project(Unfold(images)); }

torch::Tensor PatchEmbedImpl::ForwardVisible(const torch::Tensor& images, const torch::Tensor& keep) {
  const auto patches = Unfold(images);
  return Project(patches.gather(1, keep.unsqueeze(-1).expand({-1, -1, patches.size(2)})));
}

}  // namespace mae
