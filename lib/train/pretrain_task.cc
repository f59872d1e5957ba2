#include "train/pretrain_task.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "models/reconstruction_loss.h"
#include "train/initial_weights.h"
#include "train/mask_noise.h"
#include "train/sample_pictures.h"

namespace mae {

PretrainTask::PretrainTask(const JobOptions& options, std::vector<std::string> labels, torch::Device device)
    : seed_(options.seed),
      device_(device),
      config_{std::get<PretrainOptions>(options.kind).model, options.data.mean, options.data.std_dev,
              std::move(labels)},
      model_(nullptr) {
  SeedInitialWeights(seed_);
  model_ = MaskedAutoencoder(std::get<PretrainOptions>(options.kind).model);
  model_->to(device_);
  if (options.recompute_activations) model_->RecomputeActivations();
}

Mask PretrainTask::MaskOf(const torch::Tensor& noise) const {
  return MaskFromNoise(noise.to(device_, /*non_blocking=*/true), options().mask_ratio);
}

Mask PretrainTask::ValidationMaskOf(const Batch& batch) const {
  return MaskOf(ValidationMaskNoise(batch.indices, options().encoder.num_patches()));
}

Batch PretrainTask::Prepare(const Batch& batch, int64_t epoch) {
  Batch prepared = batch;
  prepared.mask_noise = TrainMaskNoise(seed_, epoch, batch.indices, options().encoder.num_patches());
  if (device_.is_cuda()) prepared.mask_noise = prepared.mask_noise.pin_memory();
  return prepared;
}

TrainTask::Measure PretrainTask::Train(const Batch& batch, int64_t /*epoch*/) {
  return {model_->Loss(batch.images, MaskOf(batch.mask_noise)), {}};
}

TrainTask::Measure PretrainTask::Validate(const Batch& batch) {
  return {model_->Loss(batch.images, ValidationMaskOf(batch)), {}};
}

PretrainTask::Rebuilt PretrainTask::Rebuild(const Batch& batch, const Mask& mask) {
  const auto& encoder = options().encoder;
  const auto to_images = [&](const torch::Tensor& patches) {
    return Unpatchify(patches, encoder.patch_size, encoder.grid_rows(), encoder.grid_cols());
  };
  const auto patches = Patchify(batch.images, encoder.patch_size);
  auto predicted = model_->forward(batch.images, mask).pred.to(torch::kFloat32);
  if (options().norm_pix_loss) {
    const auto statistics = StatisticsOf(patches);
    predicted = predicted * statistics.std_dev + statistics.mean;
  }
  const auto hidden = mask.mask.unsqueeze(-1).to(torch::kBool).expand_as(patches);
  const auto pasted = to_images(torch::where(hidden, predicted, patches));
  const auto original = Original(batch);
  return {torch::where(to_images(hidden), torch::full_like(original, 0.5), original),
          ToPixels(pasted, config_.mean, config_.std_dev)};
}

torch::Tensor PretrainTask::Original(const Batch& batch) const {
  return ToPixels(batch.images, config_.mean, config_.std_dev);
}

absl::StatusOr<Picture> PretrainTask::Draw(const Batch& batch) {
  const auto rebuilt = Rebuild(batch, ValidationMaskOf(batch));
  return DrawTable(
      {Original(batch), rebuilt.masked, rebuilt.pasted},
      {"original", "masked", options().norm_pix_loss ? "rebuilt, true patch stats" : "reconstruction"});
}

absl::StatusOr<Picture> PretrainTask::DrawRatios(const Batch& batch, const std::vector<double>& mask_ratios) {
  // One noise for all: what a ratio hides, every greater one hides too.
  const auto noise = ValidationMaskNoise(batch.indices, options().encoder.num_patches()).to(device_);
  std::vector<torch::Tensor> columns = {Original(batch)};
  std::vector<std::string> headings = {"original"};
  for (const double ratio : mask_ratios) {
    const auto rebuilt = Rebuild(batch, MaskFromNoise(noise, ratio));
    columns.insert(columns.end(), {rebuilt.masked, rebuilt.pasted});
    headings.insert(headings.end(), {absl::StrFormat("%.4g masked", ratio), "rebuilt"});
  }
  return DrawTable(columns, headings);
}

}  // namespace mae
