#pragma once

#include <torch/torch.h>

#include <filesystem>

#include "absl/status/status.h"
#include "models/vision_transformer.h"
#include "options/train_options.h"

/// What the weights of a model are before its first step.
namespace mae {

/// Makes the default generators draw the initial weights that belong to the seed; build the model next.
void SeedInitialWeights(uint64_t seed);

/// Of a classifier that is fine-tuned: so small that the first loss is that of a coin with as many sides as
/// classes (He et al. 2022, appendix A.1, "End-to-end fine-tuning").
inline constexpr double kFinetuneHeadStdDev = 2e-5;

/// Fills a classifier from a pretrained model folder (a masked autoencoder or another classifier), its own
/// head drawn anew: trunc-normal(head_std_dev) with bias 0. Tensors that the classifier
/// lacks (a decoder, a norm) are ignored; fc_norm or norm keeps its start where the file has none. The
/// position embedding of another image size, so of another patch grid, is resampled to the classifier's.
/// INVALID_ARGUMENT names every tensor that is missing or of another shape, or options of the encoder that
/// shapes do not show; NOT_FOUND if there is no such folder.
absl::Status LoadPretrainedEncoder(const std::filesystem::path& folder, PositionResampling resampling,
                                   VisionTransformerImpl& model, double head_std_dev = kFinetuneHeadStdDev);

}  // namespace mae
