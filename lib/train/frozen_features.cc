#include "train/frozen_features.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/loader.h"
#include "runtime/precision.h"
#include "train/initial_weights.h"
#include "train/train_data.h"
#include "train/validation.h"

namespace mae {

absl::StatusOr<torch::Tensor> FrozenFeatures(VisionTransformerImpl& model, const ImageSet& images,
                                             const JobOptions& options, const torch::Device& device,
                                             PassProgress& progress, const std::atomic<bool>& stop) {
  const torch::NoGradGuard no_grad;
  model.eval();
  Loader loader(images, ValidationLoaderOptions(options));
  auto rows = torch::empty({images.count, model.options().encoder.embed_dim});
  loader.StartEpoch(0);
  int64_t done = 0;
  while (auto next = loader.Next()) {
    if (stop) return absl::CancelledError("stopped while the frozen encoder looked at the images");
    const Batch batch = ToDevice(*std::move(next), device);
    const AutocastScope autocast(device, options.precision);
    const int64_t count = batch.images.size(0);
    rows.slice(0, done, done + count).copy_(model.Features(batch.images));
    done += count;
    progress.Seen(count);
  }
  if (rows.isfinite().all().item<bool>()) return rows;
  return absl::FailedPreconditionError(
      absl::StrCat(options.kind_name(), ".from_model: what ", options.from_model(),
                   " makes of the images is not finite: its training diverged or its weights are damaged; "
                   "take another model"));
}

absl::StatusOr<VisionTransformer> LoadFrozenEncoder(const EncoderOptions& encoder, Pooling pooling,
                                                    const std::string& folder, const torch::Device& device) {
  VisionTransformer model(VisionTransformerOptions{encoder, /*num_classes=*/0, pooling});
  MAE_RETURN_IF_ERROR(LoadPretrainedEncoder(folder, PositionResampling::kBicubic, *model));
  model->to(device);
  model->eval();
  return model;
}

}  // namespace mae
