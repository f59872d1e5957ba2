#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/codec.h"

/// The pictures that show people what a model has learned. Pure functions; torch errors throw c10::Error.
namespace mae {

/// Which validation images the picture of an epoch shows: distinct, a function of (seed, epoch) alone.
/// @param count wanted; fewer come if there are fewer than that.
/// @param available images of the split.
std::vector<int64_t> PictureIndices(uint64_t seed, int64_t epoch, int64_t count, int64_t available);

/// Undoes the normalisation: [B, C, H, W] -> the same in 0..1, clipped, float32, on the device of `images`.
torch::Tensor ToPixels(const torch::Tensor& images, const std::vector<double>& mean,
                       const std::vector<double>& std_dev);

/// Lays image tensors out as a table, one row an image, each pixel magnified until a picture is legible.
/// @param columns one tensor a column, each [B, C, H, W] in 0..1. One channel is drawn grey, three and more
/// as the
///   first three, two as the first.
/// @param headings one a column.
absl::StatusOr<Picture> DrawTable(const std::vector<torch::Tensor>& columns,
                                  const std::vector<std::string>& headings);

}  // namespace mae
