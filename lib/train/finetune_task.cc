#include "train/finetune_task.h"

#include <utility>

#include "base/status_macros.h"
#include "train/initial_weights.h"

namespace mae {

absl::StatusOr<std::unique_ptr<FinetuneTask>> FinetuneTask::Create(const JobOptions& options,
                                                                   std::vector<std::string> labels,
                                                                   torch::Device device) {
  const auto& finetune = std::get<FinetuneOptions>(options.kind);
  SeedInitialWeights(options.seed);
  VisionTransformer model(finetune.model);
  if (!finetune.from_weights.empty()) {
    MAE_RETURN_IF_ERROR(LoadPretrainedEncoder(finetune.from_weights, *model));
  }
  model->to(device);
  ModelConfig config{finetune.model, options.data.mean, options.data.std_dev, std::move(labels)};
  return absl::WrapUnique(new FinetuneTask(std::move(config), std::move(model)));
}

TrainTask::Measure FinetuneTask::Train(const Batch& batch, int64_t /*epoch*/) { return Validate(batch); }

TrainTask::Measure FinetuneTask::Validate(const Batch& batch) {
  const auto logits = model_->forward(batch.images);
  const auto right = logits.detach().argmax(1).eq(batch.labels);
  return {torch::nn::functional::cross_entropy(logits, batch.labels), right.sum().to(torch::kFloat32)};
}

}  // namespace mae
