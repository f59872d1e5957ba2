#include "train/sample_pictures.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

TEST(PictureIndices, AreDistinctAndDependOnSeedAndEpoch) {
  const auto indices = PictureIndices(3, 1, 6, 10000);
  EXPECT_EQ(std::set(indices.begin(), indices.end()).size(), 6u);
  EXPECT_EQ(indices, PictureIndices(3, 1, 6, 10000));
  EXPECT_NE(indices, PictureIndices(3, 2, 6, 10000));
  EXPECT_NE(indices, PictureIndices(4, 1, 6, 10000));
}

TEST(PictureIndices, AreAllImagesWhereThereAreNoMore) {
  const auto indices = PictureIndices(3, 1, 6, 4);
  EXPECT_EQ(std::set(indices.begin(), indices.end()), (std::set<int64_t>{0, 1, 2, 3}));
}

TEST(ToPixels, UndoesTheNormalisationChannelByChannelAndClips) {
  const auto images = torch::tensor({0.0f, -1.0f, 100.0f, -100.0f}).view({1, 2, 2, 1});
  const auto pixels = ToPixels(images, {0.5, 0.25}, {0.25, 0.5});
  EXPECT_TRUE(torch::equal(pixels.view({-1}), torch::tensor({0.5f, 0.25f, 1.0f, 0.0f})));
}

TEST(DrawTable, MagnifiesSmallImagesAndLeavesLargeOnes) {
  const auto small = DrawTable({torch::zeros({2, 1, 28, 28}), torch::ones({2, 1, 28, 28})}, {"a", "b"});
  ASSERT_THAT(small, IsOk());
  EXPECT_GT(small->width, 2 * 28 * 4);
  EXPECT_GT(small->height, 2 * 28 * 4);
  const auto large = DrawTable({torch::zeros({1, 3, 200, 200})}, {"a"});
  ASSERT_THAT(large, IsOk());
  EXPECT_LT(large->width, 400);
}

TEST(DrawTable, KeepsColours) {
  auto red = torch::zeros({1, 3, 8, 8});
  red.select(1, 0).fill_(1.0);
  const auto picture = DrawTable({red}, {""});
  ASSERT_THAT(picture, IsOk());
  const auto centre = static_cast<size_t>((picture->height - 20) * picture->width + picture->width / 2) * 3;
  EXPECT_EQ(picture->pixels[centre], 255);
  EXPECT_EQ(picture->pixels[centre + 1], 0);
  EXPECT_EQ(picture->pixels[centre + 2], 0);
}

}  // namespace
}  // namespace mae
