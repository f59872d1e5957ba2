#pragma once

#include <memory>

#include "models/vision_transformer.h"
#include "options/train_options.h"
#include "train/train_task.h"

namespace mae {

/// Training of a classifier, over a pretrained encoder or from scratch (He et al. 2022, sec. 4.1,
/// "fine-tuning"): cross-entropy of the labels, or of soft targets where the job mixes images or smooths
/// labels. The accuracy of a mixed training batch counts the class that has the larger share.
class FinetuneTask : public TrainTask {
 public:
  /// Builds the classifier, its start a function of the seed and the pretrained weights.
  /// @param options of a finetune job.
  /// @param labels of the dataset; the model keeps them.
  /// Errors of LoadPretrainedEncoder.
  static absl::StatusOr<std::unique_ptr<FinetuneTask>> Create(const JobOptions& options,
                                                              std::vector<std::string> labels,
                                                              torch::Device device);

  torch::nn::Module& model() override { return *model_; }
  TrainingKind kind() const override { return TrainingKind::kFinetune; }
  Batch Prepare(const Batch& batch, int64_t epoch) override;
  Measure Train(const Batch& batch, int64_t epoch) override;
  Measure Validate(const Batch& batch) override;
  bool recordable() const override { return true; }
  bool shardable() const override { return model_->options().drop_path == 0.0; }
  ModelConfig config() const override { return config_; }

 private:
  FinetuneTask(const JobOptions& options, ModelConfig config, VisionTransformer model)
      : augmentation_(options.augmentation),
        seed_(options.seed),
        config_(std::move(config)),
        model_(std::move(model)) {}

  const AugmentationOptions augmentation_;
  const uint64_t seed_;
  const ModelConfig config_;
  VisionTransformer model_;
};

}  // namespace mae
