#include "train/finetune_task.h"

#include <utility>

#include "augment/batch_mix.h"
#include "base/status_macros.h"
#include "options/class_match.h"
#include "train/initial_weights.h"
#include "train/mixed_batch.h"
#include "train/soft_target_loss.h"

namespace mae {

absl::StatusOr<std::unique_ptr<FinetuneTask>> FinetuneTask::Create(const JobOptions& options,
                                                                   std::vector<std::string> labels,
                                                                   torch::Device device) {
  const auto& finetune = std::get<FinetuneOptions>(options.kind);
  SeedInitialWeights(options.seed);
  VisionTransformer model(finetune.model);
  if (!finetune.from_weights.empty()) {
    MAE_RETURN_IF_ERROR(LoadPretrainedEncoder(finetune.from_weights, finetune.position_resampling, *model));
  }
  model->to(device);
  if (options.recompute_activations) model->RecomputeActivations();
  ModelConfig config{finetune.model, options.data.mean, options.data.std_dev,
                     ClassNames(labels, finetune.model.num_classes)};
  return absl::WrapUnique(new FinetuneTask(options, std::move(config), std::move(model)));
}

Batch FinetuneTask::Prepare(const Batch& batch, int64_t epoch) {
  if (!augmentation_.mixes() && augmentation_.label_smoothing == 0.0) return batch;
  const auto mix = DrawBatchMix(augmentation_, seed_, epoch, batch.indices.front(), batch.images.size(2),
                                batch.images.size(3));
  return MixBatch(batch, mix, model_->options().num_classes, augmentation_.label_smoothing);
}

TrainTask::Measure FinetuneTask::Train(const Batch& batch, int64_t /*epoch*/) { return Validate(batch); }

TrainTask::Measure FinetuneTask::Validate(const Batch& batch) {
  const auto logits = model_->forward(batch.images);
  const auto right = logits.detach().argmax(1).eq(batch.labels).sum().to(torch::kFloat32);
  if (batch.targets.defined()) return {SoftTargetCrossEntropy(logits, batch.targets), right};
  return {torch::nn::functional::cross_entropy(logits, batch.labels), right};
}

}  // namespace mae
