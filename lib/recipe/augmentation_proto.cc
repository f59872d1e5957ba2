#include "recipe/augmentation_proto.h"

namespace mae {
namespace {

RandomResizedCropOptions ReadCrop(const v1::RandomResizedCrop& spec) {
  RandomResizedCropOptions out;
  if (spec.has_scale_min()) out.scale_min = spec.scale_min();
  if (spec.has_scale_max()) out.scale_max = spec.scale_max();
  if (spec.has_ratio_min()) out.ratio_min = spec.ratio_min();
  if (spec.has_ratio_max()) out.ratio_max = spec.ratio_max();
  if (spec.interpolation() == v1::INTERPOLATION_BILINEAR) out.interpolation = Interpolation::kBilinear;
  return out;
}

void WriteCrop(const RandomResizedCropOptions& options, v1::RandomResizedCrop& out) {
  out.set_scale_min(options.scale_min);
  out.set_scale_max(options.scale_max);
  out.set_ratio_min(options.ratio_min);
  out.set_ratio_max(options.ratio_max);
  out.set_interpolation(options.interpolation == Interpolation::kBilinear ? v1::INTERPOLATION_BILINEAR
                                                                          : v1::INTERPOLATION_BICUBIC);
}

RandAugmentOptions ReadRandAugment(const v1::RandAugment& spec) {
  RandAugmentOptions out;
  if (spec.has_num_ops()) out.num_ops = spec.num_ops();
  if (spec.has_magnitude()) out.magnitude = spec.magnitude();
  if (spec.has_magnitude_std()) out.magnitude_std = spec.magnitude_std();
  return out;
}

void WriteRandAugment(const RandAugmentOptions& options, v1::RandAugment& out) {
  out.set_num_ops(static_cast<int32_t>(options.num_ops));
  out.set_magnitude(options.magnitude);
  out.set_magnitude_std(options.magnitude_std);
}

RandomErasingOptions ReadErasing(const v1::RandomErasing& spec) {
  RandomErasingOptions out;
  if (spec.has_probability()) out.probability = spec.probability();
  if (spec.has_area_min()) out.area_min = spec.area_min();
  if (spec.has_area_max()) out.area_max = spec.area_max();
  if (spec.has_ratio_min()) out.ratio_min = spec.ratio_min();
  if (spec.has_ratio_max()) out.ratio_max = spec.ratio_max();
  return out;
}

void WriteErasing(const RandomErasingOptions& options, v1::RandomErasing& out) {
  out.set_probability(options.probability);
  out.set_area_min(options.area_min);
  out.set_area_max(options.area_max);
  out.set_ratio_min(options.ratio_min);
  out.set_ratio_max(options.ratio_max);
}

}  // namespace

AugmentationOptions ReadAugmentation(const v1::AugmentationSpec& spec) {
  AugmentationOptions out;
  out.horizontal_flip = spec.horizontal_flip();
  if (spec.has_random_resized_crop()) out.random_resized_crop = ReadCrop(spec.random_resized_crop());
  if (spec.has_rand_augment()) out.rand_augment = ReadRandAugment(spec.rand_augment());
  if (spec.has_random_erasing()) out.random_erasing = ReadErasing(spec.random_erasing());
  if (spec.has_eval_crop_ratio()) out.eval_crop_ratio = spec.eval_crop_ratio();
  out.mixup_alpha = spec.mixup_alpha();
  out.cutmix_alpha = spec.cutmix_alpha();
  if (spec.has_mix_switch_probability()) out.mix_switch_probability = spec.mix_switch_probability();
  out.label_smoothing = spec.label_smoothing();
  return out;
}

void WriteAugmentation(const AugmentationOptions& options, v1::AugmentationSpec& out) {
  out.set_horizontal_flip(options.horizontal_flip);
  if (options.random_resized_crop)
    WriteCrop(*options.random_resized_crop, *out.mutable_random_resized_crop());
  if (options.rand_augment) WriteRandAugment(*options.rand_augment, *out.mutable_rand_augment());
  if (options.random_erasing) WriteErasing(*options.random_erasing, *out.mutable_random_erasing());
  out.set_eval_crop_ratio(options.eval_crop_ratio);
  out.set_mixup_alpha(options.mixup_alpha);
  out.set_cutmix_alpha(options.cutmix_alpha);
  out.set_mix_switch_probability(options.mix_switch_probability);
  out.set_label_smoothing(options.label_smoothing);
}

}  // namespace mae
