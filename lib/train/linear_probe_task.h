#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "models/vision_transformer.h"
#include "options/train_options.h"
#include "train/pass_progress.h"
#include "train/train_data.h"
#include "train/train_task.h"

namespace mae {

/// A linear classifier over a frozen encoder (He et al. 2022, sec. 4.1 and appendix A.1, "linear probing"):
/// batch normalisation without affine parameters, then a linear layer. The encoder stays in eval mode and
/// needs no gradient; the head alone is trained, with its running statistics.
///
/// What the encoder makes of images that are not augmented is computed once, before the first epoch, and kept
/// in memory (up to a limit): an epoch then costs what the head costs.
class LinearProbeTask : public TrainTask {
 public:
  /// Loads the encoder and draws the head, a function of the seed. Looks at both splits, which may take as
  /// long as an epoch.
  /// @param options of a linear_probe job, see WithSourceModel. @param data only looked at here.
  /// @param tell how far that has come.
  /// @param stop CANCELLED if it is set meanwhile. Else errors of LoadPretrainedEncoder and FrozenFeatures.
  static absl::StatusOr<std::unique_ptr<LinearProbeTask>> Create(const JobOptions& options,
                                                                 const TrainData& data, torch::Device device,
                                                                 const PassProgress::Tell& tell,
                                                                 const std::atomic<bool>& stop);

  torch::nn::Module& model() override { return *model_; }
  TrainingKind kind() const override { return TrainingKind::kFinetune; }
  /// A batch of one image has no variance: it is normalised by the running statistics.
  Measure Train(const Batch& batch, int64_t epoch) override;
  Measure Validate(const Batch& batch) override;
  ModelConfig config() const override { return config_; }

 private:
  LinearProbeTask(ModelConfig config, VisionTransformer model)
      : config_(std::move(config)), model_(std::move(model)) {}

  absl::Status CacheFeatures(const JobOptions& options, const TrainData& data, const torch::Device& device,
                             const PassProgress::Tell& tell, const std::atomic<bool>& stop);
  torch::Tensor FeaturesOf(const Batch& batch, const torch::Tensor& cache);
  Measure MeasureOf(const Batch& batch, const torch::Tensor& features);

  const ModelConfig config_;
  VisionTransformer model_;
  torch::Tensor train_features_, validation_features_;  ///< [images, D]; undefined: not kept
};

/// Whether an image of the training split differs from one epoch to the next.
bool IsAugmented(const AugmentationOptions& augmentation);

}  // namespace mae
