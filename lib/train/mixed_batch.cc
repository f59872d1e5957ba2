#include "train/mixed_batch.h"

#include "train/soft_target_loss.h"

namespace mae {
namespace {

torch::Tensor PartOf(const torch::Tensor& images, const CropBox& box) {
  return images.slice(2, box.top, box.top + box.height).slice(3, box.left, box.left + box.width);
}

torch::Tensor MixImages(const torch::Tensor& images, const BatchMix& mix) {
  if (!mix.box.has_value()) return images * mix.share + images.flip(0) * (1.0 - mix.share);
  auto cut = images.clone();
  PartOf(cut, *mix.box).copy_(PartOf(images, *mix.box).flip(0));
  return cut;
}

}  // namespace

Batch MixBatch(const Batch& batch, const BatchMix& mix, int64_t classes, double smoothing) {
  const torch::NoGradGuard no_grad;
  Batch mixed = batch;
  mixed.targets = SmoothedTargets(batch.labels, classes, smoothing);
  if (mix.share == 1.0) return mixed;
  mixed.images = MixImages(batch.images, mix);
  mixed.targets = mixed.targets * mix.share + mixed.targets.flip(0) * (1.0 - mix.share);
  if (mix.share < 0.5) mixed.labels = batch.labels.flip(0);
  return mixed;
}

}  // namespace mae
