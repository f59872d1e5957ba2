#include "train/linear_probe_task.h"

#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "options/class_match.h"
#include "train/frozen_features.h"
#include "train/initial_weights.h"

namespace mae {
namespace {

constexpr double kProbeHeadStdDev = 0.01;
constexpr int64_t kMaxKeptBytes = int64_t{1} << 30;  // a split

void FreezeEncoder(torch::nn::Module& model) {
  for (auto& parameter : model.named_parameters()) {
    if (!absl::StartsWith(parameter.key(), "head.")) parameter.value().set_requires_grad(false);
  }
}

bool CanBeKept(const ImageSet& images, int64_t width) {
  return images.count * width * static_cast<int64_t>(sizeof(float)) <= kMaxKeptBytes;
}

}  // namespace

bool IsAugmented(const AugmentationOptions& augmentation) {
  return augmentation.horizontal_flip || augmentation.random_resized_crop.has_value() ||
         augmentation.rand_augment.has_value() || augmentation.random_erasing.has_value();
}

absl::StatusOr<std::unique_ptr<LinearProbeTask>> LinearProbeTask::Create(const JobOptions& options,
                                                                         const TrainData& data,
                                                                         torch::Device device,
                                                                         const PassProgress::Tell& tell,
                                                                         const std::atomic<bool>& stop) {
  const auto& probe = std::get<LinearProbeOptions>(options.kind);
  SeedInitialWeights(options.seed);
  VisionTransformer model(probe.model);
  MAE_RETURN_IF_ERROR(
      LoadPretrainedEncoder(probe.from_weights, PositionResampling::kBicubic, *model, kProbeHeadStdDev));
  FreezeEncoder(*model);
  model->to(device);
  ModelConfig config{probe.model, options.data.mean, options.data.std_dev,
                     ClassNames(data.labels, probe.model.num_classes)};
  auto task = absl::WrapUnique(new LinearProbeTask(std::move(config), std::move(model)));
  MAE_RETURN_IF_ERROR(task->CacheFeatures(options, data, device, tell, stop));
  return task;
}

absl::Status LinearProbeTask::CacheFeatures(const JobOptions& options, const TrainData& data,
                                            const torch::Device& device, const PassProgress::Tell& tell,
                                            const std::atomic<bool>& stop) {
  const int64_t width = model_->options().encoder.embed_dim;
  const bool keeps_train = !IsAugmented(options.augmentation) && CanBeKept(data.train, width);
  const bool keeps_validation = CanBeKept(data.validation, width);
  PassProgress progress((keeps_train ? data.train.count : 0) + (keeps_validation ? data.validation.count : 0),
                        tell);
  if (keeps_train) {
    MAE_ASSIGN_OR_RETURN(train_features_,
                         FrozenFeatures(*model_, data.train, options, device, progress, stop));
  }
  if (keeps_validation) {
    MAE_ASSIGN_OR_RETURN(validation_features_,
                         FrozenFeatures(*model_, data.validation, options, device, progress, stop));
  }
  return absl::OkStatus();
}

torch::Tensor LinearProbeTask::FeaturesOf(const Batch& batch, const torch::Tensor& cache) {
  if (cache.defined()) {
    return cache.index_select(0, torch::tensor(batch.indices, torch::kInt64)).to(batch.images.device());
  }
  const torch::NoGradGuard no_grad;
  return model_->Features(batch.images);
}

TrainTask::Measure LinearProbeTask::MeasureOf(const Batch& batch, const torch::Tensor& features) {
  // A layer this small gains nothing from bf16.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto logits = model_->Classify(features.to(torch::kFloat32));
  const auto right = logits.detach().argmax(1).eq(batch.labels);
  return {torch::nn::functional::cross_entropy(logits, batch.labels), right.sum().to(torch::kFloat32)};
}

TrainTask::Measure LinearProbeTask::Train(const Batch& batch, int64_t /*epoch*/) {
  model_->eval();
  model_->head()->train(batch.images.size(0) > 1);
  return MeasureOf(batch, FeaturesOf(batch, train_features_));
}

TrainTask::Measure LinearProbeTask::Validate(const Batch& batch) {
  return MeasureOf(batch, FeaturesOf(batch, validation_features_));
}

}  // namespace mae
