#include "data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <numeric>
#include <string>

#include "augment/horizontal_flip.h"
#include "data/decoded_cache.h"
#include "tests/data/picture_files.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;

// One channel, 2 x 2; every pixel of image i is i, its label i mod 3; the left column differs from the right.
ImageSet NumberedImages(int64_t count) {
  ImageSet set{count, 1, 2, 2, {}, {}};
  for (int64_t i = 0; i < count; ++i) {
    for (const int64_t pixel : {i, i + 100, i, i + 100}) set.pixels.push_back(static_cast<uint8_t>(pixel));
    set.labels.push_back(i % 3);
  }
  return set;
}

LoaderOptions Options(int64_t batch_size) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.seed = 11;
  options.mean = {0.5};
  options.std_dev = {0.5};
  return options;
}

// Every augmentation at once, to another size than the images have.
ImageTransformOptions Everything() {
  ImageTransformOptions options;
  options.training = true;
  options.seed = 11;
  options.height = 5;
  options.width = 4;
  options.augmentation.horizontal_flip = true;
  options.augmentation.random_resized_crop.emplace();
  options.augmentation.rand_augment.emplace();
  options.augmentation.random_erasing.emplace();
  return options;
}

using Indices = std::vector<std::vector<int64_t>>;

Indices RemainingIndices(Loader& loader) {
  Indices batches;
  while (const std::optional<Batch> batch = loader.Next()) batches.push_back(batch->indices);
  return batches;
}

Indices EpochIndices(Loader& loader, int64_t epoch, int64_t first_batch = 0) {
  loader.StartEpoch(epoch, first_batch);
  return RemainingIndices(loader);
}

std::vector<torch::Tensor> EpochImages(const ImageSet& images, const LoaderOptions& options, int64_t epoch) {
  Loader loader(images, options);
  loader.StartEpoch(epoch);
  std::vector<torch::Tensor> batches;
  while (std::optional<Batch> batch = loader.Next()) batches.push_back(batch->images);
  return batches;
}

TEST(Loader, GivesBatchesInTheOrderOfTheEpoch) {
  const ImageSet images = NumberedImages(10);
  Loader loader(images, Options(4));
  const std::vector<int64_t> o = EpochOrder(10, 11, 3);
  EXPECT_EQ(EpochIndices(loader, 3),
            (Indices{{o[0], o[1], o[2], o[3]}, {o[4], o[5], o[6], o[7]}, {o[8], o[9]}}));
}

TEST(Loader, OrderDependsOnSeedAndEpochAlone) {
  const ImageSet images = NumberedImages(50);
  LoaderOptions other_seed = Options(8);
  other_seed.seed = 12;
  Loader a(images, Options(8)), b(images, Options(8)), c(images, other_seed);
  const Indices first = EpochIndices(a, 0);
  EXPECT_NE(EpochIndices(a, 1), first);
  EXPECT_EQ(EpochIndices(a, 0), first);
  EXPECT_EQ(EpochIndices(b, 0), first);
  EXPECT_NE(EpochIndices(c, 0), first);
}

TEST(Loader, WithoutShuffleKeepsTheOrderOfTheSplit) {
  const ImageSet images = NumberedImages(5);
  LoaderOptions options = Options(2);
  options.shuffle = false;
  Loader loader(images, options);
  EXPECT_EQ(EpochIndices(loader, 7), (Indices{{0, 1}, {2, 3}, {4}}));
}

TEST(Loader, BatchesAreTheSameForAnyNumberOfWorkersAndPlacesInTheQueue) {
  const ImageSet images = NumberedImages(97);
  LoaderOptions options = Options(5);
  options.transform = Everything();
  const std::vector<torch::Tensor> expected = EpochImages(images, options, 2);
  ASSERT_EQ(expected.size(), 20U);
  for (const auto& [workers, places] : {std::pair{2, 1}, {3, 8}, {8, 3}, {8, 100}}) {
    options.workers = workers;
    options.queue_batches = places;
    const std::vector<torch::Tensor> batches = EpochImages(images, options, 2);
    ASSERT_EQ(batches.size(), expected.size());
    for (size_t i = 0; i < batches.size(); ++i) EXPECT_TRUE(batches[i].equal(expected[i])) << i;
  }
}

TEST(Loader, ABatchHoldsItsImagesAndLabels) {
  const ImageSet images = NumberedImages(10);
  Loader loader(images, Options(4));
  loader.StartEpoch(0);
  while (const std::optional<Batch> batch = loader.Next()) {
    for (size_t i = 0; i < batch->indices.size(); ++i) {
      const auto index = static_cast<double>(batch->indices[i]);
      const auto at = static_cast<int64_t>(i);
      EXPECT_FLOAT_EQ(batch->images[at][0][0][0].item<float>(),
                      static_cast<float>((index / 255 - 0.5) / 0.5));
      EXPECT_EQ(batch->labels[at].item<int64_t>(), batch->indices[i] % 3);
    }
  }
}

TEST(Loader, WorkersShareTheCacheOfDecodedImages) {
  const TempFolder root;
  for (int i = 0; i < 200; ++i) {
    const auto shade = static_cast<uint8_t>(i);
    WritePng(root / "train/a" / (std::to_string(i) + ".png"), 8, 8, {shade, 0, shade});
  }
  WritePng(root / "val/a/0.png", 8, 8, {0, 0, 0});
  ImageSet images = LoadSplit("image_folder", root.path(), Split::kTrain, 0).value();
  LoaderOptions options = Options(2);
  options.mean = options.std_dev = {0.5, 0.5, 0.5};
  const std::vector<torch::Tensor> expected = EpochImages(images, options, 1);
  options.workers = 4;
  images.decoded = std::make_shared<DecodedCache>(1 << 20);
  ASSERT_EQ(EpochImages(images, options, 0).size(), 100U);
  std::filesystem::remove_all(root / "train");
  const std::vector<torch::Tensor> again = EpochImages(images, options, 1);
  ASSERT_EQ(again.size(), expected.size());
  for (size_t i = 0; i < again.size(); ++i) EXPECT_TRUE(again[i].equal(expected[i])) << i;
}

TEST(Loader, AnEpochResumedInTheMiddleIsTheTailOfTheWholeOne) {
  const ImageSet images = NumberedImages(43);
  LoaderOptions options = Options(5);
  options.workers = 3;
  Loader whole(images, options), resumed(images, options);
  Indices expected = EpochIndices(whole, 4);
  expected.erase(expected.begin(), expected.begin() + 6);
  EXPECT_EQ(EpochIndices(resumed, 4, 6), expected);
}

TEST(Loader, AnAugmentedEpochResumedInTheMiddleHasTheSamePixels) {
  const ImageSet images = NumberedImages(43);
  LoaderOptions options = Options(5);
  options.transform = Everything();
  const std::vector<torch::Tensor> whole = EpochImages(images, options, 4);
  options.workers = 3;
  Loader resumed(images, options);
  resumed.StartEpoch(4, 6);
  for (size_t i = 6; i < whole.size(); ++i) EXPECT_TRUE(resumed.Next()->images.equal(whole[i])) << i;
}

TEST(Loader, AnImageLooksTheSameInWhateverBatchItComes) {
  const ImageSet images = NumberedImages(12);
  LoaderOptions options = Options(12);
  options.transform = Everything();
  const torch::Tensor whole = EpochImages(images, options, 4)[0];
  EXPECT_EQ(whole.sizes(), (torch::IntArrayRef{12, 1, 5, 4}));
  options.batch_size = 5;
  EXPECT_TRUE(torch::cat(EpochImages(images, options, 4)).equal(whole));
  EXPECT_FALSE(EpochImages(images, options, 5)[0].equal(whole.slice(0, 0, 5)));
}

TEST(Loader, AnEpochResumedAtItsEndHasNoBatches) {
  const ImageSet images = NumberedImages(9);
  Loader loader(images, Options(3));
  EXPECT_TRUE(EpochIndices(loader, 0, 3).empty());
  EXPECT_EQ(EpochIndices(loader, 1).size(), 3U);
}

TEST(Loader, StartEpochDropsWhatIsLeftOfTheOneBefore) {
  // Images large enough that some batches are in the making whenever an epoch is left.
  ImageSet images = NumberedImages(64);
  images.height = images.width = 64;
  images.pixels.resize(images.count * images.image_bytes());
  LoaderOptions options = Options(4);
  options.workers = 4;
  Loader loader(images, options);
  for (int64_t epoch = 0; epoch < 100; ++epoch) {
    loader.StartEpoch(2 * epoch);
    ASSERT_TRUE(loader.Next().has_value());
    const std::vector<int64_t> order = EpochOrder(64, 11, 2 * epoch + 1);
    loader.StartEpoch(2 * epoch + 1);
    for (auto first = order.begin(); first != order.end(); first += 4) {
      const std::optional<Batch> batch = loader.Next();
      ASSERT_TRUE(batch.has_value());
      ASSERT_EQ(batch->indices, std::vector<int64_t>(first, first + 4));
    }
  }
}

TEST(Loader, TheLastBatchIsSmallerOrLeftOut) {
  const ImageSet images = NumberedImages(10);
  LoaderOptions options = Options(4);
  Loader kept(images, options);
  EXPECT_EQ(kept.num_batches(), 3);
  EXPECT_EQ(EpochIndices(kept, 0).back().size(), 2U);
  options.drop_last = true;
  Loader dropped(images, options);
  EXPECT_EQ(dropped.num_batches(), 2);
  EXPECT_EQ(EpochIndices(dropped, 0).size(), 2U);
}

TEST(Loader, DropLastKeepsALastBatchThatIsWhole) {
  const ImageSet images = NumberedImages(8);
  LoaderOptions options = Options(4);
  options.drop_last = true;
  Loader loader(images, options);
  EXPECT_EQ(loader.num_batches(), 2);
  EXPECT_EQ(EpochIndices(loader, 0).back().size(), 4U);
}

TEST(Loader, FlipsTheImagesOfItsCoinAlone) {
  const ImageSet images = NumberedImages(40);
  LoaderOptions options = Options(7);
  options.transform.training = true;
  options.transform.seed = 11;
  options.transform.augmentation.horizontal_flip = true;
  Loader loader(images, options);
  loader.StartEpoch(5);
  while (const std::optional<Batch> batch = loader.Next()) {
    for (size_t i = 0; i < batch->indices.size(); ++i) {
      const torch::Tensor row = batch->images[static_cast<int64_t>(i)][0][0];
      EXPECT_EQ((row[0] > row[1]).item<bool>(), FlipsImage(11, 5, batch->indices[i])) << batch->indices[i];
    }
  }
}

TEST(Loader, HasNothingBeforeTheFirstEpochAndAfterTheEnd) {
  const ImageSet images = NumberedImages(4);
  Loader loader(images, Options(4));
  EXPECT_FALSE(loader.Next().has_value());
  loader.StartEpoch(0);
  EXPECT_TRUE(loader.Next().has_value());
  EXPECT_FALSE(loader.Next().has_value());
  EXPECT_FALSE(loader.Next().has_value());
}

TEST(Loader, CanBeDestroyedInAnyState) {
  const ImageSet images = NumberedImages(100);
  LoaderOptions options = Options(2);
  options.workers = 4;
  for (const int64_t places : {1, 2, 100}) {
    options.queue_batches = places;
    { Loader never_started(images, options); }
    for (const int taken : {0, 1, 7, 50, 51}) {
      Loader loader(images, options);
      loader.StartEpoch(0);
      for (int i = 0; i < taken; ++i) loader.Next();
    }
  }
}

TEST(Loader, WhatAWorkerThrowsReachesTheConsumer) {
  // Too large for a tensor: its bytes overflow 64 bits, and nothing is allocated.
  const ImageSet impossible{2, 1, int64_t{1} << 31, int64_t{1} << 31, {}, {0, 0}};
  Loader loader(impossible, Options(2));
  loader.StartEpoch(0);
  EXPECT_THROW(loader.Next(), std::exception);
  EXPECT_FALSE(loader.Next().has_value());
}

TEST(Loader, CountsTheTimeThatItsConsumerWaited) {
  const ImageSet images = NumberedImages(10);
  Loader loader(images, Options(1));
  EXPECT_EQ(loader.wait_seconds(), 0);
  loader.StartEpoch(0);
  loader.Next();
  const double after_one = loader.wait_seconds();
  RemainingIndices(loader);
  EXPECT_GT(after_one, 0);
  EXPECT_GT(loader.wait_seconds(), after_one);
}

TEST(Loader, RefusesOptionsOutOfRange) {
  const ImageSet images = NumberedImages(4);
  for (int64_t LoaderOptions::*option :
       {&LoaderOptions::batch_size, &LoaderOptions::workers, &LoaderOptions::queue_batches}) {
    LoaderOptions options = Options(2);
    options.*option = 0;
    EXPECT_THROW(Loader(images, options), c10::Error);
  }
}

TEST(Loader, RefusesToStartOutsideTheEpoch) {
  const ImageSet images = NumberedImages(4);
  Loader loader(images, Options(2));
  EXPECT_THROW(loader.StartEpoch(0, 3), c10::Error);
  EXPECT_THROW(loader.StartEpoch(0, -1), c10::Error);
}

}  // namespace
}  // namespace mae
