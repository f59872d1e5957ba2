#include "data/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "augment/horizontal_flip.h"
#include "data/decoded_cache.h"
#include "tests/data/picture_files.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;

// Three images of two channels, 2 rows by 3 columns; every byte differs.
ImageSet SmallSet() {
  ImageSet set{3, 2, 2, 3, {}, {4, 5, 6}};
  for (int i = 0; i < 36; ++i) set.pixels.push_back(static_cast<uint8_t>(7 * i));
  return set;
}

TEST(BatchMaker, NormalisesEachChannelByItsMeanAndDeviation) {
  const ImageSet set = SmallSet();
  const Batch batch = BatchMaker(set, {0.25, 0.5}, {0.5, 2.0}).Make({2, 0}, 0);
  ASSERT_EQ(batch.images.sizes(), (torch::IntArrayRef{2, 2, 2, 3}));
  ASSERT_EQ(batch.images.scalar_type(), torch::kFloat32);
  const int64_t images[] = {2, 0};
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t p = 0; p < 12; ++p) {
      const double mean = p < 6 ? 0.25 : 0.5, std_dev = p < 6 ? 0.5 : 2.0;
      const double expected = (set.image(images[i])[p] / 255.0 - mean) / std_dev;
      EXPECT_FLOAT_EQ(batch.images.flatten(1)[i][p].item<float>(), static_cast<float>(expected));
    }
  }
}

TEST(BatchMaker, GivesLabelsAndIndicesInTheOrderAskedFor) {
  const ImageSet set = SmallSet();
  const Batch batch = BatchMaker(set, {0.5, 0.5}, {0.5, 0.5}).Make({2, 0, 1}, 0);
  EXPECT_THAT(batch.indices, ElementsAre(2, 0, 1));
  EXPECT_TRUE(batch.labels.equal(torch::tensor({6, 4, 5}, torch::kInt64)));
}

TEST(BatchMaker, MirrorsLeftToRightTheImagesToFlip) {
  const ImageSet set = SmallSet();
  ImageTransformOptions transform;
  transform.training = transform.augmentation.horizontal_flip = true;
  const torch::Tensor straight = BatchMaker(set, {0.5, 0.5}, {0.5, 0.5}).Make({0, 1, 2}, 0).images;
  const BatchMaker maker(set, {0.5, 0.5}, {0.5, 0.5}, transform);
  int flips = 0;
  for (int64_t epoch = 0; epoch < 10; ++epoch) {
    const torch::Tensor images = maker.Make({0, 1, 2}, epoch).images;
    for (int64_t i = 0; i < 3; ++i) {
      const bool flip = FlipsImage(0, epoch, i);
      flips += flip ? 1 : 0;
      EXPECT_TRUE(images[i].equal(flip ? straight[i].flip({2}) : straight[i])) << epoch << " " << i;
      EXPECT_FALSE(images[i].equal(flip ? straight[i] : straight[i].flip({2}))) << epoch << " " << i;
    }
  }
  EXPECT_GT(flips, 0);
  EXPECT_LT(flips, 30);
}

TEST(BatchMaker, ErasesAfterNormalisingAndInTrainingAlone) {
  const ImageSet set{1, 1, 16, 16, std::vector<uint8_t>(256, 255), {0}};
  ImageTransformOptions transform;
  transform.augmentation.random_erasing = RandomErasingOptions{1.0};
  EXPECT_TRUE(BatchMaker(set, {0.0}, {1.0}, transform).Make({0}, 0).images.eq(1.0).all().item<bool>());
  transform.training = true;
  const auto erased = BatchMaker(set, {0.0}, {1.0}, transform).Make({0}, 0).images;
  EXPECT_TRUE(erased.eq(1.0).any().item<bool>());
  EXPECT_TRUE(erased.lt(0.0).any().item<bool>()) << "noise has values that no byte has";
}

TEST(BatchMaker, RefusesAMeanThatDoesNotFitTheChannels) {
  const ImageSet set = SmallSet();
  EXPECT_THROW(BatchMaker(set, {0.5}, {0.5, 0.5}), c10::Error);
  EXPECT_THROW(BatchMaker(set, {0.5, 0.5}, {0.5, 0.5, 0.5}), c10::Error);
}

TEST(BatchMaker, RefusesADeviationOfZero) {
  const ImageSet set = SmallSet();
  EXPECT_THROW(BatchMaker(set, {0.5, 0.5}, {0.5, 0.0}), c10::Error);
}

TEST(BatchMaker, EncodedImagesAreBroughtToTheSizeOfTheSet) {
  const TempFolder root;
  WritePng(root / "train/a/0.png", 8, 16, {255, 51, 0});
  WritePng(root / "val/a/0.png", 8, 8, {0, 0, 0});
  ImageSet set = LoadSplit("image_folder", root.path(), Split::kTrain, 0).value();
  set.height = set.width = 4;
  const Batch batch = BatchMaker(set, {0, 0, 0}, {1, 1, 1}).Make({0, 0}, 0);
  ASSERT_EQ(batch.images.sizes(), (std::vector<int64_t>{2, 3, 4, 4}));
  EXPECT_TRUE(batch.images.select(1, 0).eq(1).all().item<bool>());
  EXPECT_TRUE(batch.images.select(1, 1).eq(0.2f).all().item<bool>());
  EXPECT_TRUE(batch.images.select(1, 2).eq(0).all().item<bool>());
}

TEST(BatchMaker, NamesTheEncodedImageThatIsDamaged) {
  const TempFolder root;
  WritePng(root / "train/a/0.png", 8, 8, {1, 2, 3});
  WritePng(root / "val/a/0.png", 8, 8, {0, 0, 0});
  const ImageSet set = LoadSplit("image_folder", root.path(), Split::kTrain, 0).value();
  CutOff(root / "train/a/0.png", 5);
  try {
    BatchMaker(set, {0, 0, 0}, {1, 1, 1}).Make({0}, 0);
    FAIL() << "a damaged image made a batch";
  } catch (const c10::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("train/a/0.png"));
  }
}

// Two RGB images of 12288 bytes, which go from the disk after a first epoch.
class CachedBatchTest : public testing::Test {
 protected:
  CachedBatchTest() {
    WritePng(root_ / "train/a/0.png", 64, 64, {255, 51, 0});
    WritePng(root_ / "train/a/1.png", 64, 64, {0, 102, 0});
    WritePng(root_ / "val/a/0.png", 8, 8, {0, 0, 0});
    set_ = LoadSplit("image_folder", root_.path(), Split::kTrain, 0).value();
  }
  torch::Tensor Make(std::vector<int64_t> indices, int64_t epoch) {
    return BatchMaker(set_, {0, 0, 0}, {1, 1, 1}).Make(indices, epoch).images;
  }

  TempFolder root_;
  ImageSet set_;
};

TEST_F(CachedBatchTest, ASecondEpochReadsAndDecodesNothing) {
  set_.decoded = std::make_shared<DecodedCache>(1 << 20);
  const torch::Tensor first = Make({0, 1}, 0);
  std::filesystem::remove_all(root_ / "train");
  EXPECT_TRUE(Make({0, 1}, 1).equal(first));
}

TEST_F(CachedBatchTest, WithRoomForOneTheOtherIsDecodedAgain) {
  set_.decoded = std::make_shared<DecodedCache>(20'000);
  const torch::Tensor first = Make({0, 1}, 0);
  std::filesystem::remove_all(root_ / "train");
  EXPECT_TRUE(Make({0}, 1)[0].equal(first[0]));
  EXPECT_THROW(Make({1}, 1), c10::Error);
}

TEST_F(CachedBatchTest, AnImageAskedForWithOtherChannelsIsAnother) {
  DecodedCache cache(1 << 20);
  EXPECT_EQ(cache.Get(*set_.encoded, 0, 3).value()->channels, 3);
  EXPECT_EQ(cache.Get(*set_.encoded, 0, 1).value()->channels, 1);
}

TEST_F(CachedBatchTest, WithoutACacheEveryEpochDecodes) {
  Make({0, 1}, 0);
  std::filesystem::remove_all(root_ / "train");
  EXPECT_THROW(Make({0}, 1), c10::Error);
}

}  // namespace
}  // namespace mae
