#include "augment/rand_augment.h"

#include <algorithm>
#include <utility>

#include "augment/affine.h"
#include "augment/color_ops.h"

namespace mae {
namespace {

constexpr double kTopMagnitude = 10.0;

// timm's ranges at the top magnitude.
constexpr double kRotateDegrees = 30.0;
constexpr double kShearFactor = 0.3;
constexpr double kTranslateShare = 0.45;
constexpr double kEnhanceFactor = 0.9;
constexpr int kPosterizeBits = 4;
constexpr int kSolarizeValues = 256;
constexpr int kSolarizeAddValues = 110;

double Strength(const RandAugmentStep& step, double top) { return step.magnitude / kTopMagnitude * top; }

double Directed(const RandAugmentStep& step, double top) {
  return step.negative ? -Strength(step, top) : Strength(step, top);
}

double EnhanceFactor(const RandAugmentStep& step) {
  return std::max(0.1, 1.0 + Directed(step, kEnhanceFactor));
}

int WholeStrength(const RandAugmentStep& step, int top) { return static_cast<int>(Strength(step, top)); }

AffineMatrix MatrixOf(const RandAugmentStep& step, const ByteImage& image) {
  switch (step.op) {
    case RandAugmentOp::kRotate:
      return RotateMatrix(Directed(step, kRotateDegrees), image.height, image.width);
    case RandAugmentOp::kShearX:
      return ShearXMatrix(Directed(step, kShearFactor));
    case RandAugmentOp::kShearY:
      return ShearYMatrix(Directed(step, kShearFactor));
    case RandAugmentOp::kTranslateXRel:
      return TranslateXMatrix(Directed(step, kTranslateShare) * static_cast<double>(image.width));
    default:
      return TranslateYMatrix(Directed(step, kTranslateShare) * static_cast<double>(image.height));
  }
}

}  // namespace

std::vector<RandAugmentStep> DrawRandAugment(const RandAugmentOptions& options, CountedSequence& random) {
  std::vector<RandAugmentStep> steps;
  for (int64_t i = 0; i < options.num_ops; ++i) {
    RandAugmentStep step;
    step.op = static_cast<RandAugmentOp>(random.Below(kRandAugmentOps));
    const bool happens = random.Coin();
    step.magnitude =
        std::clamp(options.magnitude + options.magnitude_std * random.Normal(), 0.0, kTopMagnitude);
    step.negative = random.Coin();
    if (happens) steps.push_back(step);
  }
  return steps;
}

void ApplyRandAugment(const RandAugmentStep& step, Interpolation interpolation, const uint8_t* fill,
                      ByteImage& image, ByteImage& scratch) {
  switch (step.op) {
    case RandAugmentOp::kAutoContrast:
      return AutoContrast(image);
    case RandAugmentOp::kEqualize:
      return Equalize(image);
    case RandAugmentOp::kInvert:
      return Invert(image);
    case RandAugmentOp::kPosterizeIncreasing:
      return Posterize(image, kPosterizeBits - WholeStrength(step, kPosterizeBits));
    case RandAugmentOp::kSolarizeIncreasing:
      return Solarize(image, kSolarizeValues - WholeStrength(step, kSolarizeValues));
    case RandAugmentOp::kSolarizeAdd:
      return SolarizeAdd(image, WholeStrength(step, kSolarizeAddValues));
    case RandAugmentOp::kColorIncreasing:
      return AdjustColor(image, EnhanceFactor(step));
    case RandAugmentOp::kContrastIncreasing:
      return AdjustContrast(image, EnhanceFactor(step));
    case RandAugmentOp::kBrightnessIncreasing:
      return AdjustBrightness(image, EnhanceFactor(step));
    case RandAugmentOp::kSharpnessIncreasing:
      return AdjustSharpness(image, EnhanceFactor(step));
    case RandAugmentOp::kRotate:
    case RandAugmentOp::kShearX:
    case RandAugmentOp::kShearY:
    case RandAugmentOp::kTranslateXRel:
    case RandAugmentOp::kTranslateYRel:
      ApplyAffine(image, MatrixOf(step, image), interpolation, fill, scratch);
      return std::swap(image, scratch);
  }
}

}  // namespace mae
