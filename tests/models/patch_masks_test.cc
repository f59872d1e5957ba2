#include "models/patch_masks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/counted_random.h"

namespace mae {
namespace {

CountedSequence Draws(uint64_t seed) { return CountedSequence(CountedBits(seed, RandomStream::kMask, {0})); }

int64_t HiddenIn(const std::vector<bool>& mask) { return std::count(mask.begin(), mask.end(), true); }

// Pairs of patches side by side, or above one another, of which one is hidden and the other is not.
int64_t Edges(const std::vector<bool>& mask, int64_t rows, int64_t cols) {
  int64_t edges = 0;
  for (int64_t p = 0; p < rows * cols; ++p) {
    if (p % cols + 1 < cols) edges += mask[p] != mask[p + 1] ? 1 : 0;
    if (p + cols < rows * cols) edges += mask[p] != mask[p + cols] ? 1 : 0;
  }
  return edges;
}

TEST(BlockMask, HidesExactlyAsManyAsAskedOnGridsOfAnyShape) {
  for (const auto& [rows, cols] : {std::pair{14, 14}, {7, 7}, {1, 9}, {9, 1}, {2, 3}, {1, 2}, {5, 31}}) {
    for (int64_t hidden = 0; hidden <= rows * cols; ++hidden) {
      for (uint64_t seed = 0; seed < 3; ++seed) {
        const auto mask = BlockMask(rows, cols, hidden, Draws(seed));
        ASSERT_EQ(mask.size(), static_cast<size_t>(rows * cols));
        ASSERT_EQ(HiddenIn(mask), hidden) << rows << " x " << cols;
      }
    }
  }
}

TEST(BlockMask, DependsOnTheSequenceAlone) {
  std::set<std::vector<bool>> masks;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    masks.insert(BlockMask(14, 14, 98, Draws(seed)));
    EXPECT_EQ(BlockMask(14, 14, 98, Draws(seed)), BlockMask(14, 14, 98, Draws(seed)));
  }
  EXPECT_EQ(masks.size(), 20U);
}

// A random half has an edge at about every second pair of its 364.
TEST(BlockMask, HidesRectanglesAndNotPatchesHereAndThere) {
  int64_t edges = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) edges += Edges(BlockMask(14, 14, 98, Draws(seed)), 14, 14);
  EXPECT_LT(edges / 50, 80);
  EXPECT_GT(edges / 50, 14);
}

TEST(BlockMask, ReachesEveryPatchAboutAsOften) {
  std::vector<int> hidden(64);
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const auto mask = BlockMask(8, 8, 32, Draws(seed));
    for (size_t p = 0; p < 64; ++p) hidden[p] += mask[p] ? 1 : 0;
  }
  for (size_t p = 0; p < 64; ++p) EXPECT_GT(hidden[p], 40) << p;
}

TEST(GridMask, ShowsTheFirstOfEveryTwoByTwo) {
  const std::vector<bool> even = {false, true, false, true, true, true, true, true};
  EXPECT_EQ(GridMask(2, 4), even);
  EXPECT_EQ(HiddenIn(GridMask(14, 14)), 147);
  const std::vector<bool> odd = {false, true, false, true, true, true, false, true, false};
  EXPECT_EQ(GridMask(3, 3), odd);
  EXPECT_EQ(HiddenIn(GridMask(1, 1)), 0);
}

}  // namespace
}  // namespace mae
