#include "recipe/augmentation_limits.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "options/augmentation_options.h"
#include "recipe/augmentation_proto.h"
#include "recipe/from_model.h"

namespace mae {
namespace {

constexpr double kMaxMixAlpha = 100.0;
constexpr int64_t kMaxAugmentOps = 15;
constexpr double kMaxAugmentMagnitude = 10.0;
constexpr double kMaxAspect = 100.0;
constexpr double kMinEvalCropRatio = 0.1;

// Two ends of a range, named field_min and field_max.
void CheckOrder(const std::string& field, double low, double high, ViolationList& violations) {
  if (low > high)
    violations.Add(field + "_min", absl::StrCat("is ", low, "; must be at most ", field, "_max, ", high));
}

void CheckShareOfArea(const std::string& field, double low, double high, ViolationList& violations) {
  violations.Share(field + "_min", low);
  violations.Share(field + "_max", high);
  CheckOrder(field, low, high, violations);
}

void CheckAspect(const std::string& field, double low, double high, ViolationList& violations) {
  violations.Between(field + "_min", low, 1.0 / kMaxAspect, kMaxAspect);
  violations.Between(field + "_max", high, 1.0 / kMaxAspect, kMaxAspect);
  CheckOrder(field, low, high, violations);
}

void CheckCrop(const v1::RandomResizedCrop& crop, ViolationList& violations) {
  const std::string path = "augmentation.random_resized_crop.";
  CheckShareOfArea(path + "scale", crop.scale_min(), crop.scale_max(), violations);
  CheckAspect(path + "ratio", crop.ratio_min(), crop.ratio_max(), violations);
}

void CheckRandAugment(const v1::RandAugment& augment, ViolationList& violations) {
  const std::string path = "augmentation.rand_augment.";
  violations.Between(path + "num_ops", int64_t{augment.num_ops()}, 1, kMaxAugmentOps);
  violations.Between(path + "magnitude", augment.magnitude(), 0.0, kMaxAugmentMagnitude);
  violations.NotNegative(path + "magnitude_std", augment.magnitude_std());
}

void CheckErasing(const v1::RandomErasing& erasing, ViolationList& violations) {
  const std::string path = "augmentation.random_erasing.";
  violations.Between(path + "probability", erasing.probability(), 0.0, 1.0);
  CheckShareOfArea(path + "area", erasing.area_min(), erasing.area_max(), violations);
  CheckAspect(path + "ratio", erasing.ratio_min(), erasing.ratio_max(), violations);
}

// What measures looks at each image as it is. random_resized_crop is for model_limits.h to judge: it lets
// images of another size than the model's be resized.
void CheckMeasurement(const v1::JobSpec& spec, ViolationList& violations) {
  const auto& augmentation = spec.augmentation();
  const auto refuse = [&](bool is_on, const char* field) {
    if (is_on)
      violations.Add(absl::StrCat("augmentation.", field),
                     absl::StrCat("is set, but ", KindNameOf(spec), " varies no images: leave it out"));
  };
  refuse(augmentation.horizontal_flip(), "horizontal_flip");
  refuse(augmentation.has_rand_augment(), "rand_augment");
  refuse(augmentation.has_random_erasing(), "random_erasing");
  refuse(augmentation.mixup_alpha() != 0, "mixup_alpha");
  refuse(augmentation.cutmix_alpha() != 0, "cutmix_alpha");
  refuse(augmentation.label_smoothing() != 0, "label_smoothing");
}

void CheckKind(const v1::JobSpec& spec, ViolationList& violations) {
  if (spec.has_finetune()) return;
  if (spec.has_knn_probe() || spec.has_evaluate()) return CheckMeasurement(spec, violations);
  const auto& augmentation = spec.augmentation();
  const auto refuse = [&](bool is_on, const char* field, const char* why) {
    if (is_on)
      violations.Add(absl::StrCat("augmentation.", field),
                     absl::StrCat("is set, but ", why, ": leave it out, or fine-tune"));
  };
  const char* no_labels = "only fine-tuning has targets to mix";
  refuse(augmentation.mixup_alpha() != 0, "mixup_alpha", no_labels);
  refuse(augmentation.cutmix_alpha() != 0, "cutmix_alpha", no_labels);
  refuse(augmentation.label_smoothing() != 0, "label_smoothing", "only fine-tuning has labels to smooth");
  refuse(augmentation.has_random_erasing(), "random_erasing",
         "only fine-tuning erases parts, whose noise a masked autoencoder would learn to paint");
}

}  // namespace

void FillAugmentation(v1::AugmentationSpec& augmentation) {
  // The structs hold the defaults: reading and writing back writes them out.
  v1::AugmentationSpec filled;
  WriteAugmentation(ReadAugmentation(augmentation), filled);
  filled.MergeFrom(augmentation);
  augmentation = filled;
}

void CheckAugmentation(const v1::JobSpec& spec, ViolationList& violations) {
  const auto& augmentation = spec.augmentation();
  if (augmentation.has_random_resized_crop()) CheckCrop(augmentation.random_resized_crop(), violations);
  if (augmentation.has_rand_augment()) CheckRandAugment(augmentation.rand_augment(), violations);
  if (augmentation.has_random_erasing()) CheckErasing(augmentation.random_erasing(), violations);
  violations.Between("augmentation.mixup_alpha", augmentation.mixup_alpha(), 0.0, kMaxMixAlpha);
  violations.Between("augmentation.cutmix_alpha", augmentation.cutmix_alpha(), 0.0, kMaxMixAlpha);
  violations.Between("augmentation.mix_switch_probability", augmentation.mix_switch_probability(), 0.0, 1.0);
  violations.Between("augmentation.label_smoothing", augmentation.label_smoothing(), 0.0, 1.0,
                     /*below_high=*/true);
  violations.Between("augmentation.eval_crop_ratio", augmentation.eval_crop_ratio(), kMinEvalCropRatio, 1.0);
  CheckKind(spec, violations);
}

}  // namespace mae
