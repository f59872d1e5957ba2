#pragma once

#include "models/masked_autoencoder.h"
#include "options/train_options.h"
#include "train/train_task.h"

namespace mae {

/// Masked-autoencoder pretraining (He et al. 2022, arXiv:2111.06377, sec. 3): the loss is the error over
/// hidden patches, the masks are those of train/mask_noise.h.
class PretrainTask : public TrainTask {
 public:
  /// Initial weights are a function of the seed.
  /// @param options of a pretrain job.
  /// @param labels of the dataset, kept with the model for people.
  PretrainTask(const JobOptions& options, std::vector<std::string> labels, torch::Device device);

  torch::nn::Module& model() override { return *model_; }
  TrainingKind kind() const override { return TrainingKind::kPretrain; }
  /// Draws the noise of the masks, page-locked where the model is on a GPU.
  Batch Prepare(const Batch& batch, int64_t epoch) override;
  Measure Train(const Batch& batch, int64_t epoch) override;
  Measure Validate(const Batch& batch) override;
  bool recordable() const override { return true; }
  bool shardable() const override { return true; }
  bool draws() const override { return true; }
  /// original | masked | reconstruction, the visible patches pasted over it. For norm-pix models mean and
  /// deviation of the true patch are put back, which the heading says.
  absl::StatusOr<Picture> Draw(const Batch& batch) override;
  /// original, then for each ratio: masked | rebuilt.
  absl::StatusOr<Picture> DrawRatios(const Batch& batch, const std::vector<double>& mask_ratios) override;
  ModelConfig config() const override { return config_; }

 private:
  /// Both [B, C, H, W] pixels in 0..1.
  struct Rebuilt {
    torch::Tensor masked;  ///< hidden patches grey
    torch::Tensor pasted;  ///< hidden patches as predicted, visible ones as they are
  };
  Rebuilt Rebuild(const Batch& batch, const Mask& mask);
  torch::Tensor Original(const Batch& batch) const;
  const MaskedAutoencoderOptions& options() const { return model_->options(); }
  Mask MaskOf(const torch::Tensor& noise) const;
  Mask ValidationMaskOf(const Batch& batch) const;

  const uint64_t seed_;
  const torch::Device device_;
  const ModelConfig config_;
  MaskedAutoencoder model_;
};

}  // namespace mae
