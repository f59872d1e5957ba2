#pragma once

#include <cstdint>
#include <vector>

#include "image/byte_image.h"
#include "options/augmentation_options.h"

namespace mae {

/// What an ImageTransform does.
struct ImageTransformOptions {
  AugmentationOptions augmentation;
  bool training = false;          ///< false: sizes and the evaluation crop only, nothing is drawn
  uint64_t seed = 0;              ///< of the job
  int64_t height = 0, width = 0;  ///< of the results; 0: as the images
  std::vector<double> mean;       ///< a channel, in 0..1: what rotations and the like fill with
  bool operator==(const ImageTransformOptions&) const = default;
};

/// The way of one image from its dataset's bytes to a model's input size. Training: random crop (or, where
/// sizes differ without one, centre crop), flip, RandAugment, and, after normalisation, erasing: the order of
/// public MAE fine-tuning. Everything drawn is a function of (seed, epoch, image), whatever thread, batch or
/// run it happens in. Immutable: concurrent calls are safe, each with a workspace of its own.
class ImageTransform {
 public:
  /// Memory that calls reuse.
  struct Workspace {
    ByteImage image, scratch;
  };
  /// Where the result is, and what is left for whoever reads it next.
  struct Result {
    const uint8_t* planes;  ///< channels x height() x width(); the source itself where nothing changed
    bool mirror;            ///< rows are still to be read from right to left
  };

  /// @param channels, height, width of the images, each at least 1.
  ImageTransform(ImageTransformOptions options, int64_t channels, int64_t height, int64_t width);

  int64_t height() const { return options_.height; }
  int64_t width() const { return options_.width; }

  /// @param planes of one image, as ImageSet has it.
  /// @return valid until the source or the workspace changes.
  Result Apply(const uint8_t* planes, int64_t epoch, int64_t image, Workspace& work) const;

  /// Random erasing of a training image that Apply made and somebody normalised; does nothing if it is off.
  /// @param planes channels x height() x width().
  void Erase(float* planes, int64_t epoch, int64_t image) const;

 private:
  void Crop(const uint8_t* planes, int64_t epoch, int64_t image, ByteImage& out) const;
  void RandAugment(int64_t epoch, int64_t image, Workspace& work) const;
  bool changes_size() const;

  ImageTransformOptions options_;
  int64_t channels_, in_height_, in_width_;
  std::vector<uint8_t> fill_;  // a channel
};

}  // namespace mae
