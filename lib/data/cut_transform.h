#pragma once

#include <torch/torch.h>

#include <vector>

#include "augment/image_transform.h"
#include "data/batch.h"

namespace mae {

/// Cuts, resizes, mirrors and normalises whole batches of bytes by tensor operations, on whatever device they
/// are: bit for bit what BatchMaker makes of each image. Bit for bit because the weights of a resize are
/// those of image/resample.h in fixed point, and sums of them are whole numbers that float64 holds exactly,
/// in whatever order a device adds them. Immutable; concurrent calls are safe. Never waits for a device.
class CutTransform {
 public:
  /// @param options with sizes of the results; of which ByteBatchMaker::CanMake holds.
  /// @param mean, std_dev a channel each, of pixel values in 0..1; std_dev above 0.
  CutTransform(const ImageTransformOptions& options, const std::vector<double>& mean,
               const std::vector<double>& std_dev, const torch::Device& device);

  /// @param images [B, C, H, W] uint8 on the device. @param cuts of Batch, there too.
  /// @return [B, C, height, width] float32, normalised.
  torch::Tensor Apply(const torch::Tensor& images, const torch::Tensor& cuts) const;

 private:
  torch::Tensor Resized(const torch::Tensor& images, const torch::Tensor& cuts) const;

  const ImageTransformOptions options_;
  torch::Tensor tables_;    // [C, 256] float32: normalised value by byte
  torch::Tensor channels_;  // [1, C, 1, 1] int64, counting from 0
};

}  // namespace mae
