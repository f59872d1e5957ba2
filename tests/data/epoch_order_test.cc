#include "data/epoch_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EpochOrder, IsAPermutation) {
  for (const int64_t count : {1, 2, 3, 10, 1000}) {
    std::vector<int64_t> order = EpochOrder(count, 7, 3);
    std::sort(order.begin(), order.end());
    ASSERT_EQ(static_cast<int64_t>(order.size()), count);
    for (int64_t i = 0; i < count; ++i) EXPECT_EQ(order[i], i);
  }
}

TEST(EpochOrder, OfNothingIsEmpty) { EXPECT_THAT(EpochOrder(0, 7, 3), IsEmpty()); }

TEST(EpochOrder, DependsOnSeedAndEpochAlone) {
  EXPECT_EQ(EpochOrder(100, 7, 3), EpochOrder(100, 7, 3));
  EXPECT_NE(EpochOrder(100, 7, 3), EpochOrder(100, 8, 3));
  EXPECT_NE(EpochOrder(100, 7, 3), EpochOrder(100, 7, 4));
}

// A run that was stopped must find its order again in a later version too.
TEST(EpochOrder, StaysAsItWasInEarlierVersions) {
  EXPECT_THAT(EpochOrder(8, 42, 5), ElementsAre(6, 0, 2, 7, 5, 3, 4, 1));
}

TEST(EpochOrder, AllPermutationsAreEquallyLikely) {
  constexpr int kDraws = 24000;
  std::map<std::vector<int64_t>, int> seen;
  for (int epoch = 0; epoch < kDraws; ++epoch) ++seen[EpochOrder(4, 1, epoch)];
  EXPECT_EQ(seen.size(), 24U);
  for (const auto& [order, times] : seen) EXPECT_NEAR(times, kDraws / 24, 160);  // five standard deviations
}

}  // namespace
}  // namespace mae
