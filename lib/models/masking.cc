#include "models/masking.h"

#include <cmath>

namespace mae {
namespace {

// shuffle [B, L]: patch ids, visible ones first.
Mask MaskFromShuffle(const torch::Tensor& shuffle, int64_t visible) {
  const auto length = shuffle.size(1);
  TORCH_CHECK(visible > 0 && visible < length, "mask: ", visible, " of ", length,
              " patches would stay visible; at least one must stay and one be hidden");
  const auto order = torch::arange(length, shuffle.options()).expand_as(shuffle);
  Mask out;
  out.ids_restore = torch::empty_like(shuffle).scatter_(1, shuffle, order);
  out.keep = shuffle.slice(1, 0, visible).contiguous();
  out.hidden = shuffle.slice(1, visible).contiguous();
  out.mask = (out.ids_restore >= visible).to(torch::kFloat32);
  return out;
}

}  // namespace

int64_t VisiblePatches(int64_t num_patches, double mask_ratio) {
  return static_cast<int64_t>(static_cast<double>(num_patches) * (1.0 - mask_ratio));
}

Mask MaskFromNoise(const torch::Tensor& noise, double mask_ratio) {
  return MaskFromShuffle(noise.argsort(/*stable=*/true, /*dim=*/1, /*descending=*/false),
                         VisiblePatches(noise.size(1), mask_ratio));
}

Mask MaskFromHidden(const torch::Tensor& hidden) {
  const auto counts = hidden.sum(1);
  TORCH_CHECK((counts == counts[0]).all().item<bool>(),
              "mask: every image must hide the same number of patches");
  const auto shuffle = hidden.to(torch::kInt8).argsort(/*stable=*/true, /*dim=*/1, /*descending=*/false);
  return MaskFromShuffle(shuffle, hidden.size(1) - counts[0].item<int64_t>());
}

Mask NothingHidden(int64_t images, int64_t num_patches, const torch::Device& device) {
  const auto ids = torch::arange(num_patches, torch::TensorOptions(torch::kLong).device(device));
  const auto all = ids.repeat({images, 1});
  return {all, all.slice(1, num_patches), all,
          torch::zeros({images, num_patches}, torch::TensorOptions(device))};
}

torch::Tensor GatherTokens(const torch::Tensor& tokens, const torch::Tensor& ids) {
  return tokens.gather(1, ids.unsqueeze(-1).expand({-1, -1, tokens.size(2)}));
}

}  // namespace mae
