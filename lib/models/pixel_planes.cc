#include "models/pixel_planes.h"

#include "absl/strings/str_cat.h"
#include "models/visible_statistics.h"
#include "nn/patch_embed.h"

namespace mae {
namespace {

// Its work and memory grow with their square: 64 MiB a matrix at this number.
constexpr int64_t kMaxPatchesOfVisible = 4096;

}  // namespace

absl::StatusOr<PixelStatistics> ChoosePixelStatistics(std::optional<PixelStatistics> asked,
                                                      const MaskedAutoencoderOptions& model) {
  const auto usual = model.norm_pix_loss ? PixelStatistics::kTruePatch : PixelStatistics::kRaw;
  const auto chosen = asked.value_or(usual);
  if (chosen == PixelStatistics::kVisiblePatches && model.encoder.num_patches() > kMaxPatchesOfVisible) {
    return absl::InvalidArgumentError(
        absl::StrCat("pixel_statistics: visible_patches is for models of up to ", kMaxPatchesOfVisible,
                     " patches; this one has ", model.encoder.num_patches()));
  }
  if ((chosen == PixelStatistics::kRaw) == (usual == PixelStatistics::kRaw)) return chosen;
  return absl::InvalidArgumentError(
      model.norm_pix_loss ? "pixel_statistics: raw: this model predicts patches without their mean and "
                            "variance, which are no pixels; "
                            "use true_patch or visible_patches, or take `prediction` from the tensors"
                          : "pixel_statistics: this model predicts pixels, and no patch needs its mean and "
                            "variance back; use raw, or "
                            "leave it out");
}

torch::Tensor PixelPlanes(const torch::Tensor& pred, const torch::Tensor& patches, const torch::Tensor& mask,
                          PixelStatistics statistics, const MaskedAutoencoderOptions& model) {
  const auto rows = model.encoder.grid_rows(), cols = model.encoder.grid_cols();
  auto values = pred;
  if (statistics != PixelStatistics::kRaw) {
    const auto put_back = statistics == PixelStatistics::kTruePatch
                              ? StatisticsOf(patches)
                              : StatisticsFromVisible(patches, mask, rows, cols);
    values = pred * put_back.std_dev + put_back.mean;
  }
  return Unpatchify(values, model.encoder.patch_size, rows, cols).cpu().contiguous();
}

}  // namespace mae
