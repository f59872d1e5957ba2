#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/dataset.h"
#include "tests/fakes/status_matchers.h"

// The real Fashion-MNIST, where Debian's package dataset-fashion-mnist puts it.
namespace mae {
namespace {

constexpr char kFolder[] = "/usr/share/datasets/fashion-mnist";

TEST(FashionMnist, HasSixtyThousandImagesOfClothes) {
  const absl::StatusOr<DatasetInfo> info = InspectDataset("fashion-mnist", kFolder);
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->train_images, 60000);
  EXPECT_EQ(info->validation_images, 10000);
  EXPECT_EQ(info->height, 28);
  EXPECT_EQ(info->width, 28);
  EXPECT_EQ(info->labels.front(), "T-shirt/top");
}

TEST(FashionMnist, TrainingPixelsHaveTheKnownMeanAndDeviation) {
  const absl::StatusOr<ImageSet> set = LoadSplit("idx", kFolder, Split::kTrain, 0);
  ASSERT_THAT(set, IsOk());
  ASSERT_EQ(set->pixels.size(), 60000U * 28U * 28U);
  double sum = 0, sum_of_squares = 0;
  for (const uint8_t pixel : set->pixels) {
    sum += pixel / 255.0;
    sum_of_squares += pixel / 255.0 * (pixel / 255.0);
  }
  const double count = static_cast<double>(set->pixels.size());
  const double mean = sum / count;
  EXPECT_NEAR(mean, 0.2860, 1e-3);
  EXPECT_NEAR(std::sqrt(sum_of_squares / count - mean * mean), 0.3530, 1e-3);
}

TEST(FashionMnist, ValidationSplitHasAThousandImagesAClass) {
  const absl::StatusOr<ImageSet> set = LoadSplit("idx", kFolder, Split::kValidation, 0);
  ASSERT_THAT(set, IsOk());
  std::vector<int> per_class(10);
  for (const int64_t label : set->labels) ++per_class.at(label);
  EXPECT_THAT(per_class, testing::Each(1000));
  EXPECT_EQ(set->labels[0], 9);  // an ankle boot
}

}  // namespace
}  // namespace mae
