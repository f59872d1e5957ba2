#include "augment/image_transform.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "augment/center_crop.h"
#include "augment/horizontal_flip.h"
#include "augment/rand_augment.h"
#include "augment/random_erasing.h"
#include "augment/random_resized_crop.h"
#include "base/counted_random.h"
#include "image/resample.h"

namespace mae {
namespace {

CountedSequence DrawsOf(RandomStream stream, uint64_t seed, int64_t epoch, int64_t image) {
  return CountedSequence(
      CountedBits(seed, stream, {static_cast<uint64_t>(epoch), static_cast<uint64_t>(image)}));
}

ResampleFilter FilterOf(Interpolation interpolation) {
  return interpolation == Interpolation::kBicubic ? ResampleFilter::kBicubic : ResampleFilter::kBilinear;
}

}  // namespace

ImageTransform::ImageTransform(ImageTransformOptions options, int64_t channels, int64_t height, int64_t width)
    : options_(std::move(options)), channels_(channels), in_height_(height), in_width_(width) {
  if (options_.height == 0) options_.height = height;
  if (options_.width == 0) options_.width = width;
  for (const double mean : options_.mean)
    fill_.push_back(static_cast<uint8_t>(std::clamp(std::nearbyint(255.0 * mean), 0.0, 255.0)));
  fill_.resize(static_cast<size_t>(channels), 128);
}

bool ImageTransform::changes_size() const {
  if (options_.height != in_height_ || options_.width != in_width_) return true;
  return options_.training ? options_.augmentation.random_resized_crop.has_value()
                           : options_.augmentation.eval_crop_ratio < 1.0;
}

void ImageTransform::Crop(const uint8_t* planes, int64_t epoch, int64_t image, ByteImage& out) const {
  out.Reshape(channels_, options_.height, options_.width);
  const auto& crop = options_.augmentation.random_resized_crop;
  if (!options_.training || !crop.has_value()) {
    const double ratio = options_.training ? 1.0 : options_.augmentation.eval_crop_ratio;
    return CenterCrop(planes, in_height_, in_width_, ratio, out);
  }
  auto random = DrawsOf(RandomStream::kCrop, options_.seed, epoch, image);
  const CropBox box = DrawCropBox(*crop, in_height_, in_width_, random);
  Resampler resampler(box.height, box.width, out.height, out.width, FilterOf(crop->interpolation));
  for (int64_t c = 0; c < channels_; ++c) {
    const PlaneView plane{planes + c * in_height_ * in_width_, in_height_, in_width_, in_width_, 1};
    resampler.Run(mae::Crop(plane, box.top, box.left, box.height, box.width), out.plane(c));
  }
}

void ImageTransform::RandAugment(int64_t epoch, int64_t image, Workspace& work) const {
  const auto& crop = options_.augmentation.random_resized_crop;
  const auto interpolation = crop.has_value() ? crop->interpolation : Interpolation::kBicubic;
  auto random = DrawsOf(RandomStream::kRandAugment, options_.seed, epoch, image);
  for (const auto& step : DrawRandAugment(*options_.augmentation.rand_augment, random))
    ApplyRandAugment(step, interpolation, fill_.data(), work.image, work.scratch);
}

ImageTransform::Result ImageTransform::Apply(const uint8_t* planes, int64_t epoch, int64_t image,
                                             Workspace& work) const {
  const bool crops = changes_size();
  const bool flips =
      options_.training && options_.augmentation.horizontal_flip && FlipsImage(options_.seed, epoch, image);
  if (crops) Crop(planes, epoch, image, work.image);
  if (!options_.training || !options_.augmentation.rand_augment.has_value())
    return {crops ? work.image.pixels.data() : planes, flips};
  if (!crops) {
    work.image.Reshape(channels_, in_height_, in_width_);
    std::copy_n(planes, work.image.pixels.size(), work.image.pixels.begin());
  }
  if (flips) FlipHorizontally(work.image);
  RandAugment(epoch, image, work);
  return {work.image.pixels.data(), false};
}

void ImageTransform::Erase(float* planes, int64_t epoch, int64_t image) const {
  const auto& erasing = options_.augmentation.random_erasing;
  if (!options_.training || !erasing.has_value()) return;
  auto random = DrawsOf(RandomStream::kErasing, options_.seed, epoch, image);
  if (const auto box = DrawErasedBox(*erasing, options_.height, options_.width, random))
    FillWithNoise(*box, channels_, options_.height, options_.width, random, planes);
}

}  // namespace mae
