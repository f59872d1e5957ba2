#include "models/asked_mask.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/counted_random.h"
#include "base/status_macros.h"
#include "models/patch_masks.h"

namespace mae {
namespace {

absl::Status CheckRatio(double ratio, int64_t patches) {
  if (!(ratio > 0 && ratio < 1)) {
    return absl::InvalidArgumentError(absl::StrCat("mask_ratio: ", ratio, " is not in (0, 1)"));
  }
  const auto visible = VisiblePatches(patches, ratio);
  if (visible >= 1 && visible < patches) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("mask_ratio: ", ratio, " leaves ", visible, " of ", patches,
                   " patches visible; at least 1 must be and 1 must be hidden"));
}

absl::Status CheckHidden(const std::vector<bool>& hidden, const EncoderOptions& encoder) {
  const auto patches = encoder.num_patches();
  if (static_cast<int64_t>(hidden.size()) != patches) {
    return absl::InvalidArgumentError(absl::StrCat("hidden: has ", hidden.size(), " values; the model has ",
                                                   patches, " patches (", encoder.grid_rows(), " rows of ",
                                                   encoder.grid_cols(), "), one value each"));
  }
  const auto count = std::count(hidden.begin(), hidden.end(), true);
  if (count >= 1 && count < patches) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("hidden: hides ", count, " of ", patches,
                                                 " patches; at least 1 must be visible and 1 hidden"));
}

uint64_t MaskKey(uint64_t seed, int64_t image) {
  return CountedBits(seed, RandomStream::kMask, {static_cast<uint64_t>(image)});
}

torch::Tensor Noise(int64_t images, int64_t patches, uint64_t seed) {
  auto noise = torch::empty({images, patches});
  float* out = noise.data_ptr<float>();
  for (int64_t i = 0; i < images; ++i) {
    const auto key = MaskKey(seed, i);
    for (int64_t p = 0; p < patches; ++p) *out++ = UniformAt(key, static_cast<uint64_t>(p));
  }
  return noise;
}

// @param hidden_of an image: a value a patch.
template <typename HiddenOf>
Mask MaskOfEach(int64_t images, int64_t patches, const torch::Device& device, const HiddenOf& hidden_of) {
  auto rows = torch::empty({images, patches}, torch::kBool);
  for (int64_t i = 0; i < images; ++i) {
    const std::vector<bool> hidden = hidden_of(i);
    std::copy(hidden.begin(), hidden.end(), rows.data_ptr<bool>() + i * patches);
  }
  return MaskFromHidden(rows.to(device));
}

}  // namespace

absl::Status CheckMask(const ReconstructOptions& options, const MaskedAutoencoderOptions& model) {
  const auto patches = model.encoder.num_patches();
  if (options.mask_kind == MaskKind::kRandom || options.mask_kind == MaskKind::kBlock) {
    for (const double ratio : RatiosOf(options, model)) MAE_RETURN_IF_ERROR(CheckRatio(ratio, patches));
    return absl::OkStatus();
  }
  if (!options.mask_ratios.empty()) {
    return absl::InvalidArgumentError(
        "mask_ratio: random and block masks have one; a grid hides 3 of 4 patches, none hides nothing, and a "
        "given "
        "mask what it says");
  }
  if (options.mask_kind == MaskKind::kGiven) return CheckHidden(options.hidden, model.encoder);
  if (options.mask_kind == MaskKind::kNone || patches > 1) return absl::OkStatus();
  return absl::InvalidArgumentError("mask_kind: a grid over the model's single patch would hide nothing");
}

std::vector<double> RatiosOf(const ReconstructOptions& options, const MaskedAutoencoderOptions& model) {
  return options.mask_ratios.empty() ? std::vector<double>{model.mask_ratio} : options.mask_ratios;
}

Mask MakeMask(const ReconstructOptions& options, const MaskedAutoencoderOptions& model, double ratio,
              int64_t images, const torch::Device& device) {
  const auto patches = model.encoder.num_patches();
  const auto rows = model.encoder.grid_rows(), cols = model.encoder.grid_cols();
  switch (options.mask_kind) {
    case MaskKind::kRandom:
      return MaskFromNoise(Noise(images, patches, options.seed).to(device), ratio);
    case MaskKind::kGiven:
      return MaskOfEach(images, patches, device, [&](int64_t) { return options.hidden; });
    case MaskKind::kBlock:
      return MaskOfEach(images, patches, device, [&](int64_t i) {
        return BlockMask(rows, cols, patches - VisiblePatches(patches, ratio),
                         CountedSequence(MaskKey(options.seed, i)));
      });
    case MaskKind::kGrid:
      return MaskOfEach(images, patches, device, [&](int64_t) { return GridMask(rows, cols); });
    case MaskKind::kNone:
      break;
  }
  return NothingHidden(images, patches, device);
}

}  // namespace mae
