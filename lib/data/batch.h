#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "data/dataset.h"

namespace mae {

/// One step's input.
struct Batch {
  torch::Tensor images;          ///< [B, C, H, W] float32, (pixel / 255 - mean) / std, on the CPU
  torch::Tensor labels;          ///< [B] int64
  std::vector<int64_t> indices;  ///< of each image in its split
};

/// Picks images out of a set and normalises them. Concurrent calls are safe. The set must outlive the maker.
/// Runs on the calling thread alone, so that threads that prepare batches leave LibTorch's own to the
/// training step.
class BatchMaker {
 public:
  /// @param mean, std_dev a channel each, of pixel values in 0..1; std_dev above 0.
  /// @throws c10::Error if their sizes are not the set's channel count, or a std_dev is not above 0.
  BatchMaker(const ImageSet& images, const std::vector<double>& mean, const std::vector<double>& std_dev);

  /// Encoded images are scaled to cover the set's height x width and cut to it around their middle.
  /// @throws c10::Error naming an image that can't be decoded.
  /// @param indices of the images, each in 0 .. count-1.
  /// @param flips whether to mirror an image, given its index, left to right.
  Batch Make(absl::Span<const int64_t> indices, absl::FunctionRef<bool(int64_t)> flips) const;

 private:
  // Planes of the set's height x width; into `decoded` where they are not in memory.
  const uint8_t* Planes(int64_t index, std::vector<uint8_t>& decoded) const;
  void Normalise(const uint8_t* image, bool flip, float* out) const;

  const ImageSet& images_;
  std::vector<std::array<float, 256>> tables_;  // a channel each: normalised value by pixel value
};

}  // namespace mae
