#include "data/cut_transform.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "base/counted_random.h"
#include "data/batch_feed.h"
#include "data/byte_batch.h"
#include "data/loader.h"

namespace mae {
namespace {

constexpr int64_t kImages = 40;
const std::vector<double> kMean = {0.3, 0.5, 0.7}, kStdDev = {0.2, 0.25, 0.3};

// Noise: every weight of a resize shows.
ImageSet NoisyImages(int64_t height, int64_t width) {
  ImageSet set{kImages, 3, height, width, {}, {}};
  for (int64_t i = 0; i < kImages * 3 * height * width; ++i)
    set.pixels.push_back(
        static_cast<uint8_t>(CountedBits(5, RandomStream::kPicture, {static_cast<uint64_t>(i)})));
  for (int64_t i = 0; i < kImages; ++i) set.labels.push_back(i % 7);
  return set;
}

ImageTransformOptions Cuts(int64_t height, int64_t width, Interpolation interpolation) {
  ImageTransformOptions options;
  options.training = true;
  options.seed = 13;
  options.height = height;
  options.width = width;
  options.augmentation.horizontal_flip = true;
  options.augmentation.random_resized_crop.emplace().interpolation = interpolation;
  return options;
}

// On every device of this machine.
std::vector<std::string> DevicesThatTransform() {
  std::vector<std::string> devices = {"cpu"};
  if (torch::cuda::is_available()) devices.emplace_back("cuda:0");
  return devices;
}

class CutTransformTest : public testing::TestWithParam<std::string> {
 protected:
  // What a BatchMaker makes and what the device makes of the bytes, for the same draws.
  void ExpectEqual(const ImageSet& images, const ImageTransformOptions& options) {
    ASSERT_TRUE(ByteBatchMaker::CanMake(images, options));
    std::vector<int64_t> indices(kImages);
    std::iota(indices.begin(), indices.end(), 0);
    const Batch expected = BatchMaker(images, kMean, kStdDev, options).Make(indices, 3);
    const Batch bytes = ByteBatchMaker(images, options).Make(indices, 3);
    const CutTransform transform(options, kMean, kStdDev, device_);
    const auto made = transform.Apply(bytes.images.to(device_), bytes.cuts.to(device_)).cpu();
    EXPECT_EQ(made.scalar_type(), torch::kFloat32);
    EXPECT_TRUE(torch::equal(made, expected.images))
        << made.ne(expected.images).sum().item<int64_t>() << " values differ";
    EXPECT_TRUE(torch::equal(bytes.labels, expected.labels));
    EXPECT_EQ(bytes.indices, expected.indices);
  }
  const torch::Device device_{GetParam()};
};

TEST_P(CutTransformTest, CropsToTheSameSizeAsTheLoaderDoesBitForBit) {
  const ImageSet images = NoisyImages(32, 32);
  ExpectEqual(images, Cuts(32, 32, Interpolation::kBicubic));
  ExpectEqual(images, Cuts(32, 32, Interpolation::kBilinear));
}

TEST_P(CutTransformTest, CropsToSmallerAndLargerAsTheLoaderDoesBitForBit) {
  const ImageSet images = NoisyImages(20, 27);
  ExpectEqual(images, Cuts(7, 5, Interpolation::kBicubic));
  ExpectEqual(images, Cuts(7, 5, Interpolation::kBilinear));
  ExpectEqual(images, Cuts(41, 33, Interpolation::kBicubic));
  ExpectEqual(images, Cuts(11, 33, Interpolation::kBilinear));
}

TEST_P(CutTransformTest, MirrorsAndNormalisesAloneAsTheLoaderDoesBitForBit) {
  const ImageSet images = NoisyImages(9, 6);
  ImageTransformOptions options = Cuts(9, 6, Interpolation::kBicubic);
  options.augmentation.random_resized_crop.reset();
  ExpectEqual(images, options);
  options.training = false;
  ExpectEqual(images, options);
}

TEST_P(CutTransformTest, AFeedGivesTheBatchesOfTheLoaderOnTheDevice) {
  const ImageSet images = NoisyImages(10, 10);
  LoaderOptions options;
  options.batch_size = 16;
  options.seed = 2;
  options.transform = Cuts(8, 8, Interpolation::kBicubic);
  options.mean = kMean;
  options.std_dev = kStdDev;
  Loader plain(images, options);
  options.bytes = true;
  options.page_locked = device_.is_cuda();
  Loader bytes(images, options);
  BatchFeed feed(device_, CutTransform(options.transform, kMean, kStdDev, device_)),
      plain_feed(device_, std::nullopt);
  plain.StartEpoch(1);
  bytes.StartEpoch(1);
  int64_t batches = 0;
  while (auto next = bytes.Next()) {
    const Batch made = feed.Move(*std::move(next)), expected = plain_feed.Move(plain.Next().value());
    EXPECT_EQ(made.images.device(), device_);
    EXPECT_EQ(made.labels.device(), device_);
    EXPECT_FALSE(made.cuts.defined());
    EXPECT_EQ(made.indices, expected.indices);
    EXPECT_TRUE(torch::equal(made.images, expected.images)) << batches;
    EXPECT_TRUE(torch::equal(made.labels, expected.labels)) << batches;
    ++batches;
  }
  EXPECT_EQ(batches, 3);
}

INSTANTIATE_TEST_SUITE_P(Devices, CutTransformTest, testing::ValuesIn(DevicesThatTransform()));

TEST(ByteBatchMaker, IsForImagesInMemoryThatNothingButCropsAndMirroringVaries) {
  ImageSet images = NoisyImages(8, 8);
  ImageTransformOptions options = Cuts(8, 8, Interpolation::kBicubic);
  EXPECT_TRUE(ByteBatchMaker::CanMake(images, options));
  options.augmentation.random_erasing.emplace();
  EXPECT_FALSE(ByteBatchMaker::CanMake(images, options));
  options.augmentation.random_erasing.reset();
  options.augmentation.rand_augment.emplace();
  EXPECT_FALSE(ByteBatchMaker::CanMake(images, options));
  options.augmentation.rand_augment.reset();
  options.augmentation.random_resized_crop.reset();
  EXPECT_TRUE(ByteBatchMaker::CanMake(images, options));
  options.height = 7;
  EXPECT_FALSE(ByteBatchMaker::CanMake(images, options)) << "a centre crop";
}

}  // namespace
}  // namespace mae
