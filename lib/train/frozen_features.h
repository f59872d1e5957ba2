#pragma once

#include <torch/torch.h>

#include <atomic>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "models/vision_transformer.h"
#include "options/train_options.h"
#include "train/pass_progress.h"

/// What a frozen encoder makes of a whole split, once for all epochs that read it.
namespace mae {

/// VisionTransformer::Features of every image, none augmented, in the precision of the job. Puts the model in
/// eval mode. Which images share a batch depends on the split alone, so every run gets the same bits.
/// @param device where the model is.
/// @param progress told of every batch.
/// @param stop looked at before each batch.
/// @return [images, D] float32 on the CPU, a row an image; CANCELLED if stopped before the end;
/// FAILED_PRECONDITION
///   if one is not finite, since the weights are of no use then.
absl::StatusOr<torch::Tensor> FrozenFeatures(VisionTransformerImpl& model, const ImageSet& images,
                                             const JobOptions& options, const torch::Device& device,
                                             PassProgress& progress, const std::atomic<bool>& stop);

/// A Vision Transformer without head over the encoder that a knn probe looks through, on the device, in eval
/// mode. Errors of LoadPretrainedEncoder.
absl::StatusOr<VisionTransformer> LoadFrozenEncoder(const EncoderOptions& encoder, Pooling pooling,
                                                    const std::string& folder, const torch::Device& device);

}  // namespace mae
