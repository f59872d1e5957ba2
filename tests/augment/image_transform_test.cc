#include "augment/image_transform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "augment/center_crop.h"
#include "augment/horizontal_flip.h"
#include "tests/augment/reference_images.h"

namespace mae {
namespace {

const ByteImage& Picture24() { return ReferenceImages().at("source/rgb"); }

ImageTransformOptions Training(const AugmentationOptions& augmentation) {
  ImageTransformOptions options;
  options.augmentation = augmentation;
  options.training = true;
  options.seed = 21;
  options.mean = {0.5, 0.4, 0.3};
  return options;
}

AugmentationOptions Everything() {
  AugmentationOptions all;
  all.horizontal_flip = true;
  all.random_resized_crop.emplace();
  all.rand_augment.emplace();
  all.random_erasing = RandomErasingOptions{1.0};
  return all;
}

// To the source's size, if the options have none.
ImageTransform TransformOf(ImageTransformOptions options, const ByteImage& source = Picture24()) {
  if (options.height == 0) options.height = source.height;
  if (options.width == 0) options.width = source.width;
  return ImageTransform(options, source.channels);
}

// The bytes, with what is left to mirror done.
ByteImage Applied(const ImageTransform& transform, int64_t epoch, int64_t image,
                  const ByteImage& source = Picture24()) {
  ImageTransform::Workspace work;
  const auto result = transform.Apply(source.view(), epoch, image, work);
  ByteImage out;
  out.Reshape(source.channels, transform.height(), transform.width());
  std::copy_n(result.planes, out.pixels.size(), out.pixels.begin());
  if (result.mirror) FlipHorizontally(out);
  return out;
}

TEST(ImageTransform, WithoutAugmentationIsTheSourceItself) {
  for (const bool training : {false, true}) {
    auto options = Training({});
    options.training = training;
    ImageTransform::Workspace work;
    const auto result = TransformOf(options).Apply(Picture24().view(), 0, 0, work);
    EXPECT_EQ(result.planes, Picture24().pixels.data()) << "no copy";
    EXPECT_FALSE(result.mirror);
    EXPECT_TRUE(work.image.pixels.empty());
  }
}

TEST(ImageTransform, AFlipAloneCopiesNothing) {
  AugmentationOptions flip;
  flip.horizontal_flip = true;
  const auto transform = TransformOf(Training(flip));
  ImageTransform::Workspace work;
  for (int64_t image = 0; image < 50; ++image) {
    const auto result = transform.Apply(Picture24().view(), 3, image, work);
    EXPECT_EQ(result.planes, Picture24().pixels.data());
    EXPECT_EQ(result.mirror, FlipsImage(21, 3, image));
  }
}

TEST(ImageTransform, DependsOnSeedEpochAndImageAlone) {
  const auto transform = TransformOf(Training(Everything()));
  ImageTransform::Workspace used;  // by other images before
  int differ_by_epoch = 0, differ_by_image = 0, differ_by_seed = 0;
  auto reseeded = Training(Everything());
  reseeded.seed = 22;
  for (int64_t image = 40; image-- > 0;) {
    const auto first = Applied(transform, 1, image);
    const auto again = transform.Apply(Picture24().view(), 1, image, used);
    EXPECT_TRUE(std::equal(first.pixels.begin(), first.pixels.end(), again.planes)) << image;
    EXPECT_EQ(Applied(TransformOf(Training(Everything())), 1, image), first) << image;
    differ_by_epoch += Applied(transform, 2, image) == first ? 0 : 1;
    differ_by_image += Applied(transform, 1, image + 1) == first ? 0 : 1;
    differ_by_seed += Applied(TransformOf(reseeded), 1, image) == first ? 0 : 1;
  }
  EXPECT_GT(differ_by_epoch, 35);
  EXPECT_GT(differ_by_image, 35);
  EXPECT_GT(differ_by_seed, 35);
}

TEST(ImageTransform, CropsToTheModelsSizeWhateverTheImages) {
  auto options = Training({});
  options.augmentation.random_resized_crop.emplace();
  options.height = 13;
  options.width = 17;
  for (const auto* name : {"source/rgb", "source/grey"}) {
    const auto& source = ReferenceImages().at(name);
    const auto out = Applied(TransformOf(options, source), 0, 5, source);
    EXPECT_EQ(out.height, 13);
    EXPECT_EQ(out.width, 17);
    EXPECT_NE(out, Applied(TransformOf(options, source), 1, 5, source));
  }
}

// A dataset of files gives images of any size and interleaved, a dataset in memory planes of one size.
TEST(ImageTransform, OneServesImagesOfEverySizeAndOrder) {
  auto augmented = Training(Everything());
  augmented.augmentation.random_erasing.reset();
  for (auto options : {augmented, Training({}), ImageTransformOptions{}}) {
    options.height = 20;
    options.width = 30;
    const ImageTransform transform(options, 3);
    ImageTransform::Workspace work, other;
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{20, 30}, {7, 40}, {64, 21}}) {
      ByteImage planar;
      planar.Reshape(3, height, width);
      std::vector<uint8_t> interleaved(planar.pixels.size());
      for (size_t i = 0; i < interleaved.size(); ++i) {
        interleaved[i] = static_cast<uint8_t>(i * i / 7);
        planar.plane(static_cast<int64_t>(i % 3))[i / 3] = interleaved[i];
      }
      const auto one = transform.Apply(planar.view(), 1, 2, work);
      const auto two = transform.Apply({interleaved.data(), 3, height, width, true}, 1, 2, other);
      EXPECT_EQ(one.mirror, two.mirror);
      EXPECT_TRUE(std::equal(one.planes, one.planes + 3 * 20 * 30, two.planes)) << height << "x" << width;
    }
  }
}

TEST(ImageTransform, EvaluationCutsTheCentreAndDrawsNothing) {
  auto options = Training(Everything());
  options.training = false;
  options.augmentation.eval_crop_ratio = 0.875;
  options.height = options.width = 16;
  const auto transform = TransformOf(options);
  ByteImage expected;
  expected.Reshape(3, 16, 16);
  CenterCrop(Picture24().view(), 0.875, expected);
  EXPECT_EQ(Applied(transform, 0, 0), expected);
  EXPECT_EQ(Applied(transform, 7, 9), expected);
  std::vector<float> planes(3 * 16 * 16, 2.0F);
  transform.Erase(planes.data(), 0, 0);
  EXPECT_EQ(planes, std::vector<float>(3 * 16 * 16, 2.0F));
}

TEST(ImageTransform, RotationsFillWithTheMeanColour) {
  AugmentationOptions augmentation;
  augmentation.rand_augment = RandAugmentOptions{4, 10.0, 0.0};
  ByteImage black{3, 16, 16, std::vector<uint8_t>(3 * 16 * 16, 0)};
  const auto transform = TransformOf(Training(augmentation), black);
  bool seen = false;
  for (int64_t image = 0; image < 60 && !seen; ++image) {
    const auto out = Applied(transform, 0, image, black);
    for (int64_t i = 0; i < 16 * 16; ++i)
      seen |= out.plane(0)[i] == 128 && out.plane(1)[i] == 102 && out.plane(2)[i] == 76;
  }
  EXPECT_TRUE(seen) << "no pixel of round(255 * mean) in sixty images";
}

TEST(ImageTransform, ErasingDependsOnSeedEpochAndImageAlone) {
  const auto transform = TransformOf(Training(Everything()));
  const auto erased = [&](int64_t epoch, int64_t image) {
    std::vector<float> planes(Picture24().pixels.size(), 9.0F);
    transform.Erase(planes.data(), epoch, image);
    return planes;
  };
  const auto first = erased(1, 2);
  EXPECT_NE(first, std::vector<float>(first.size(), 9.0F));
  EXPECT_NE(erased(2, 2), first);
  EXPECT_NE(erased(1, 3), first);
  EXPECT_EQ(erased(1, 2), first);
}

}  // namespace
}  // namespace mae
