#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "augment/image_transform.h"
#include "data/dataset.h"

namespace mae {

/// One step's input.
struct Batch {
  /// [B, C, H, W] float32, (pixel / 255 - mean) / std, on the CPU; where `cuts` are, uint8 still.
  torch::Tensor images;
  torch::Tensor labels;          ///< [B] int64
  std::vector<int64_t> indices;  ///< of each image in its split
  /// [B, classes] float32, the share that each class has in an image; undefined where the labels say it all.
  torch::Tensor targets = {};
  /// [B, patches] float32 on the CPU, what the images' masks are sorted from (train/mask_noise.h); undefined
  /// where nothing is masked, or nobody has drawn it yet.
  torch::Tensor mask_noise = {};
  /// [B, kCutNumbers] int64 of images that a CutTransform is still to be applied to: top, left, height and
  /// width of what is cut out, and 1 where it is mirrored. Undefined where the images are done.
  torch::Tensor cuts = {};
  static constexpr int64_t kCutNumbers = 5;
  /// What part of the whole batch this is: of several ranks each has its own. 0: the whole batch has fewer
  /// images than there are ranks, and one of its images stands in here, to count for nothing.
  double share = 1.0;
};

/// Picks images out of a set, transforms their bytes, and normalises them. Concurrent calls are safe. The set
/// must outlive the maker. Runs on the calling thread alone, so that threads that prepare batches leave
/// LibTorch's own to the training step.
class BatchMaker {
 public:
  /// @param mean, std_dev a channel each, of pixel values in 0..1; std_dev above 0.
  /// @param transform what becomes of each image first; its mean is set from `mean`.
  /// @throws c10::Error if their sizes are not the set's channel count, or a std_dev is not above 0.
  BatchMaker(const ImageSet& images, const std::vector<double>& mean, const std::vector<double>& std_dev,
             ImageTransformOptions transform = {});

  /// Encoded images are scaled to cover the set's height x width and cut to it around their middle.
  /// @throws c10::Error naming an image that can't be decoded.
  /// @param indices of the images, each in 0 .. count-1.
  /// @param epoch what the transform draws from, with the index.
  Batch Make(absl::Span<const int64_t> indices, int64_t epoch) const;

 private:
  void Normalise(const ImageTransform::Result& image, float* out) const;

  const ImageSet& images_;
  const ImageTransform transform_;
  std::vector<std::array<float, 256>> tables_;  // a channel each: normalised value by pixel value
};

}  // namespace mae
