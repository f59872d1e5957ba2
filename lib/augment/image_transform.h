#pragma once

#include <cstdint>
#include <vector>

#include "image/byte_image.h"
#include "image/image_view.h"
#include "options/augmentation_options.h"

namespace mae {

/// What an ImageTransform does.
struct ImageTransformOptions {
  AugmentationOptions augmentation;
  bool training = false;          ///< false: sizes and the evaluation crop only, nothing is drawn
  uint64_t seed = 0;              ///< of the job
  int64_t height = 0, width = 0;  ///< of the results; 0: for a BatchMaker, as the set has them
  std::vector<double> mean;       ///< a channel, in 0..1: what rotations and the like fill with
  bool operator==(const ImageTransformOptions&) const = default;
};

/// The way of images of any size from their dataset's bytes to a model's input size. Training: random crop
/// (or, where sizes differ without one, centre crop), flip, RandAugment, and, after normalisation, erasing:
/// the order of public MAE fine-tuning. Everything drawn is a function of (seed, epoch, image), whatever
/// thread, batch or run it happens in. Immutable: concurrent calls are safe, each with a workspace of its
/// own.
class ImageTransform {
 public:
  /// Memory that calls reuse.
  struct Workspace {
    ByteImage image, scratch;
  };
  /// Where the result is, and what is left for whoever reads it next.
  struct Result {
    const uint8_t* planes;  ///< channels x height() x width(); the source's own where nothing changed
    bool mirror;            ///< rows are still to be read from right to left
  };

  /// @param options of sizes at least 1.
  /// @param channels of the images, at least 1.
  ImageTransform(ImageTransformOptions options, int64_t channels);

  int64_t height() const { return options_.height; }
  int64_t width() const { return options_.width; }

  /// What is drawn of an image's geometry.
  struct Cut {
    CropBox box;  ///< the whole image without a random crop
    bool mirror = false;
  };

  /// Whether Apply and Erase do no more with images of this size than to cut DrawCut's rectangle out, resize
  /// it to height() x width(), if there is a random crop, and mirror it.
  bool IsCutAlone(int64_t source_height, int64_t source_width) const;

  /// What Apply draws of an image, and its index in the set.
  Cut DrawCut(int64_t source_height, int64_t source_width, int64_t epoch, int64_t image) const;

  /// @param source one image, and its index in the set.
  /// @return valid until the source or the workspace changes.
  Result Apply(const ImageView& source, int64_t epoch, int64_t image, Workspace& work) const;

  /// Random erasing of a training image that Apply made and somebody normalised; does nothing if it is off.
  /// @param planes channels x height() x width().
  void Erase(float* planes, int64_t epoch, int64_t image) const;

 private:
  void Crop(const ImageView& source, const CropBox& box, ByteImage& out) const;
  void RandAugment(int64_t epoch, int64_t image, Workspace& work) const;
  bool Crops(int64_t source_height, int64_t source_width) const;

  ImageTransformOptions options_;
  int64_t channels_;
  std::vector<uint8_t> fill_;  // a channel
};

}  // namespace mae
