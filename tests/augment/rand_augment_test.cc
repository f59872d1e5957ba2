#include "augment/rand_augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/counted_random.h"
#include "tests/augment/reference_images.h"

namespace mae {
namespace {

// timm's names, in the order of the enum.
const std::vector<std::string> kOpNames = {"AutoContrast",
                                           "Equalize",
                                           "Invert",
                                           "Rotate",
                                           "PosterizeIncreasing",
                                           "SolarizeIncreasing",
                                           "SolarizeAdd",
                                           "ColorIncreasing",
                                           "ContrastIncreasing",
                                           "BrightnessIncreasing",
                                           "SharpnessIncreasing",
                                           "ShearX",
                                           "ShearY",
                                           "TranslateXRel",
                                           "TranslateYRel"};

RandAugmentOp OpNamed(const std::string& name) {
  const auto found = std::find(kOpNames.begin(), kOpNames.end(), name);
  EXPECT_NE(found, kOpNames.end()) << name;
  return static_cast<RandAugmentOp>(found - kOpNames.begin());
}

// Those that look values up, or add whole numbers: nothing is there to round.
bool IsExact(RandAugmentOp op) {
  return std::set{
      RandAugmentOp::kAutoContrast,        RandAugmentOp::kEqualize,           RandAugmentOp::kInvert,
      RandAugmentOp::kPosterizeIncreasing, RandAugmentOp::kSolarizeIncreasing, RandAugmentOp::kSolarizeAdd}
      .contains(op);
}

ByteImage Augmented(const RandAugmentStep& step, Interpolation interpolation, ByteImage image) {
  const uint8_t fill[] = {10, 130, 250};  // as the tool that made the references
  ByteImage scratch;
  ApplyRandAugment(step, interpolation, fill, image, scratch);
  return image;
}

TEST(RandAugment, EveryOperationEqualsTimmsOnRgbAndGreyThoseThatRoundToOneGreyLevel) {
  std::map<std::string, std::set<std::string>> seen;
  for (const auto& name : ReferenceNames("op/")) {
    const auto parts = NameParts(name);  // op, picture, operation, magnitude, negative, interpolation
    const RandAugmentStep step{OpNamed(parts[2]), std::stod(parts[3]), parts[4] == "1"};
    const auto interpolation = parts[5] == "bicubic" ? Interpolation::kBicubic : Interpolation::kBilinear;
    const auto result = Augmented(step, interpolation, ReferenceImages().at("source/" + parts[1]));
    EXPECT_LE(LargestDifference(result, ReferenceImages().at(name)), IsExact(step.op) ? 0 : 1) << name;
    seen[parts[1]].insert(parts[2]);
  }
  EXPECT_EQ(seen["rgb"].size(), kOpNames.size());
  EXPECT_EQ(seen["grey"].size(), kOpNames.size());
}

std::vector<RandAugmentStep> ManySteps(const RandAugmentOptions& options, int images) {
  std::vector<RandAugmentStep> all;
  for (int i = 0; i < images; ++i) {
    CountedSequence random(CountedBits(9, RandomStream::kRandAugment, {0, static_cast<uint64_t>(i)}));
    const auto steps = DrawRandAugment(options, random);
    EXPECT_LE(static_cast<int64_t>(steps.size()), options.num_ops);
    all.insert(all.end(), steps.begin(), steps.end());
  }
  return all;
}

TEST(RandAugment, DrawsEveryOperationAsOftenAndHalfOfThemHappen) {
  const auto steps = ManySteps({2, 9.0, 0.5}, 6000);
  EXPECT_NEAR(static_cast<double>(steps.size()), 6000, 250);
  std::map<RandAugmentOp, int> counts;
  double sum = 0, squares = 0;
  int negative = 0;
  for (const auto& step : steps) {
    ++counts[step.op];
    sum += step.magnitude;
    squares += step.magnitude * step.magnitude;
    negative += step.negative ? 1 : 0;
    EXPECT_GE(step.magnitude, 0.0);
    EXPECT_LE(step.magnitude, 10.0);
  }
  EXPECT_EQ(static_cast<int64_t>(counts.size()), kRandAugmentOps);
  for (const auto& [op, count] : counts) EXPECT_NEAR(count, 400, 90) << static_cast<int>(op);
  const double mean = sum / static_cast<double>(steps.size());
  EXPECT_NEAR(mean, 9.0, 0.03);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(steps.size()) - mean * mean), 0.49, 0.03);
  EXPECT_NEAR(negative, 3000, 180);
}

TEST(RandAugment, WithoutDeviationEveryMagnitudeIsTheOptions) {
  for (const auto& step : ManySteps({3, 4.25, 0.0}, 50)) EXPECT_EQ(step.magnitude, 4.25);
}

}  // namespace
}  // namespace mae
