#pragma once

#include <cstdint>
#include <vector>

#include "base/counted_sequence.h"
#include "image/byte_image.h"
#include "options/augmentation_options.h"

/// RandAugment as timm's "rand-m9-mstd0.5-inc1" has it, the recipe that public MAE classifiers were
/// fine-tuned with. Pure functions, safe anywhere.
namespace mae {

/// Named as timm names them.
enum class RandAugmentOp {
  kAutoContrast,
  kEqualize,
  kInvert,
  kRotate,
  kPosterizeIncreasing,
  kSolarizeIncreasing,
  kSolarizeAdd,
  kColorIncreasing,
  kContrastIncreasing,
  kBrightnessIncreasing,
  kSharpnessIncreasing,
  kShearX,
  kShearY,
  kTranslateXRel,
  kTranslateYRel,
};
inline constexpr int64_t kRandAugmentOps = 15;

/// One operation, with what was drawn for it.
struct RandAugmentStep {
  RandAugmentOp op = RandAugmentOp::kAutoContrast;
  double magnitude = 0.0;  ///< 0 (mild) to 10 (strong); not every operation has a strength
  bool negative = false;   ///< the other direction, for operations that have two
  bool operator==(const RandAugmentStep&) const = default;
};

/// The operations that happen to one image, in order, at most num_ops: each drawn from all fifteen, kept with
/// probability 1/2, its magnitude normal around the options' and cut to 0..10, its direction a coin.
std::vector<RandAugmentStep> DrawRandAugment(const RandAugmentOptions& options, CountedSequence& random);

/// Performs one operation in place. Rotations, shears and translations fill with `fill`, a value a channel.
/// @param scratch any image; its content is lost.
void ApplyRandAugment(const RandAugmentStep& step, Interpolation interpolation, const uint8_t* fill,
                      ByteImage& image, ByteImage& scratch);

}  // namespace mae
