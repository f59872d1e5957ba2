#pragma once

#include <cstdint>
#include <optional>

/// How training images are varied, and labels softened. Plain values, every default resolved; the fields are
/// those of mae.v1.AugmentationSpec.
namespace mae {

/// The filter of resizing, as Pillow's.
enum class Interpolation { kBicubic, kBilinear };

/// A rectangle of random area and aspect, resized to the model's input (Szegedy et al. 2015, arXiv:1409.4842,
/// sec. 6).
struct RandomResizedCropOptions {
  double scale_min = 0.08, scale_max = 1.0;  ///< share of the image's area, in (0, 1]
  double ratio_min = 3.0 / 4.0,
         ratio_max = 4.0 / 3.0;  ///< width over height, above 0, uniform in the logarithm
  Interpolation interpolation = Interpolation::kBicubic;
  bool operator==(const RandomResizedCropOptions&) const = default;
};

/// RandAugment (Cubuk et al. 2020, arXiv:1909.13719) in timm's form of "increasing" severity.
struct RandAugmentOptions {
  int64_t num_ops = 2;         ///< operations drawn an image; each then happens with probability 1/2
  double magnitude = 9.0;      ///< 0 to 10
  double magnitude_std = 0.5;  ///< deviation of the magnitude, drawn for each operation; 0 and up
  bool operator==(const RandAugmentOptions&) const = default;
};

/// A rectangle of normal noise over the normalised image (Zhong et al. 2020, arXiv:1708.04896).
struct RandomErasingOptions {
  double probability = 0.25;                    ///< in [0, 1]
  double area_min = 0.02, area_max = 1.0 / 3;   ///< share of the image's area, in (0, 1]
  double ratio_min = 0.3, ratio_max = 1 / 0.3;  ///< height over width, above 0
  bool operator==(const RandomErasingOptions&) const = default;
};

struct AugmentationOptions {
  bool horizontal_flip = false;  ///< mirror each training image with probability 1/2
  std::optional<RandomResizedCropOptions> random_resized_crop;
  std::optional<RandAugmentOptions> rand_augment;
  std::optional<RandomErasingOptions> random_erasing;
  /// Validation images are resized to cover the model's input over this ratio, then cut out of the centre; 1:
  /// no more than the sizes make necessary. From 0.1 to 1.
  double eval_crop_ratio = 1.0;
  // Classifiers only.
  double mixup_alpha = 0.0;             ///< of Beta(alpha, alpha); 0: no mixup (arXiv:1710.09412)
  double cutmix_alpha = 0.0;            ///< of Beta(alpha, alpha); 0: no cutmix (arXiv:1905.04899)
  double mix_switch_probability = 0.5;  ///< of cutmix for a batch, where both are on; in [0, 1]
  double label_smoothing = 0.0;         ///< probability spread over all classes, in [0, 1)

  bool mixes() const { return mixup_alpha > 0.0 || cutmix_alpha > 0.0; }
  bool operator==(const AugmentationOptions&) const = default;
};

}  // namespace mae
