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

ImageTransform::ImageTransform(ImageTransformOptions options, int64_t channels)
    : options_(std::move(options)), channels_(channels) {
  for (const double mean : options_.mean)
    fill_.push_back(static_cast<uint8_t>(std::clamp(std::nearbyint(255.0 * mean), 0.0, 255.0)));
  fill_.resize(static_cast<size_t>(channels), 128);
}

bool ImageTransform::Crops(int64_t source_height, int64_t source_width) const {
  if (options_.height != source_height || options_.width != source_width) return true;
  return options_.training ? options_.augmentation.random_resized_crop.has_value()
                           : options_.augmentation.eval_crop_ratio < 1.0;
}

bool ImageTransform::IsCutAlone(int64_t source_height, int64_t source_width) const {
  const auto& augmentation = options_.augmentation;
  const bool varies = augmentation.rand_augment.has_value() || augmentation.random_erasing.has_value();
  const bool draws_crop = options_.training && augmentation.random_resized_crop.has_value();
  return !(options_.training && varies) && (draws_crop || !Crops(source_height, source_width));
}

ImageTransform::Cut ImageTransform::DrawCut(int64_t source_height, int64_t source_width, int64_t epoch,
                                            int64_t image) const {
  Cut cut{{0, 0, source_height, source_width}};
  if (!options_.training) return cut;
  const auto& augmentation = options_.augmentation;
  if (augmentation.random_resized_crop.has_value()) {
    auto random = DrawsOf(RandomStream::kCrop, options_.seed, epoch, image);
    cut.box = DrawCropBox(*augmentation.random_resized_crop, source_height, source_width, random);
  }
  cut.mirror = augmentation.horizontal_flip && FlipsImage(options_.seed, epoch, image);
  return cut;
}

// Of an image that is not to be cropped it is a copy in planes.
void ImageTransform::Crop(const ImageView& source, const CropBox& box, ByteImage& out) const {
  out.Reshape(channels_, options_.height, options_.width);
  const auto& crop = options_.augmentation.random_resized_crop;
  if (!options_.training || !crop.has_value()) {
    const double ratio = options_.training ? 1.0 : options_.augmentation.eval_crop_ratio;
    return CenterCrop(source, ratio, out);
  }
  Resampler resampler(box.height, box.width, out.height, out.width, FilterOf(crop->interpolation));
  for (int64_t c = 0; c < channels_; ++c) resampler.Run(mae::Crop(source.plane(c), box), out.plane(c));
}

void ImageTransform::RandAugment(int64_t epoch, int64_t image, Workspace& work) const {
  const auto& crop = options_.augmentation.random_resized_crop;
  const auto interpolation = crop.has_value() ? crop->interpolation : Interpolation::kBicubic;
  auto random = DrawsOf(RandomStream::kRandAugment, options_.seed, epoch, image);
  for (const auto& step : DrawRandAugment(*options_.augmentation.rand_augment, random))
    ApplyRandAugment(step, interpolation, fill_.data(), work.image, work.scratch);
}

ImageTransform::Result ImageTransform::Apply(const ImageView& source, int64_t epoch, int64_t image,
                                             Workspace& work) const {
  const Cut cut = DrawCut(source.height, source.width, epoch, image);
  const bool augments = options_.training && options_.augmentation.rand_augment.has_value();
  if (!augments && !Crops(source.height, source.width) && source.is_planar())
    return {source.pixels, cut.mirror};
  Crop(source, cut.box, work.image);
  if (!augments) return {work.image.pixels.data(), cut.mirror};
  if (cut.mirror) FlipHorizontally(work.image);
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
