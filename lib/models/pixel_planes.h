#pragma once

#include <torch/torch.h>

#include <optional>

#include "absl/status/statusor.h"
#include "options/model_options.h"
#include "options/reconstruct_options.h"

/// How what an autoencoder predicts becomes pixels. Pure.
namespace mae {

/// As asked, or what is usual for the model: kRaw, of a norm-pix model kTruePatch. INVALID_ARGUMENT
/// "pixel_statistics: …" for a way that is none for this model.
absl::StatusOr<PixelStatistics> ChoosePixelStatistics(std::optional<PixelStatistics> asked,
                                                      const MaskedAutoencoderOptions& model);

/// @param pred [B, L, P*P*C] as predicted. @param patches the images by Patchify. @param mask [B, L], 1
/// hidden.
/// @param statistics from ChoosePixelStatistics.
/// @return normalised planes [B, C, H, W] on the CPU.
torch::Tensor PixelPlanes(const torch::Tensor& pred, const torch::Tensor& patches, const torch::Tensor& mask,
                          PixelStatistics statistics, const MaskedAutoencoderOptions& model);

}  // namespace mae
