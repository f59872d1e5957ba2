#include "base/counted_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <set>
#include <vector>

namespace mae {
namespace {

TEST(CountedRandom, TheSameArgumentsGiveTheSameBits) {
  EXPECT_EQ(CountedBits(7, RandomStream::kMask, {1, 2}), CountedBits(7, RandomStream::kMask, {1, 2}));
  EXPECT_EQ(UniformAt(99, 5), UniformAt(99, 5));
}

// A resume must draw what the first run drew, also after an upgrade: these values may never change.
TEST(CountedRandom, ValuesAreFixedForGood) {
  EXPECT_EQ(CountedBits(0, RandomStream::kInit, {}), 0x1789CC1C12701B28);
  EXPECT_EQ(CountedBits(42, RandomStream::kMask, {3, 1000}), 0xC9D333B36F46C355);
  EXPECT_EQ(UniformAt(CountedBits(42, RandomStream::kOrder, {0}), 17), 524981 * 0x1p-24F);
}

TEST(CountedRandom, EveryArgumentAndItsPlaceCount) {
  std::set<uint64_t> seen;
  for (uint64_t seed : {0, 1, 2}) {
    for (RandomStream stream : {RandomStream::kInit, RandomStream::kOrder, RandomStream::kMask}) {
      seen.insert(CountedBits(seed, stream, {}));
      for (uint64_t a : {0, 1, 2}) {
        seen.insert(CountedBits(seed, stream, {a}));
        for (uint64_t b : {0, 1, 2}) seen.insert(CountedBits(seed, stream, {a, b}));
      }
    }
  }
  EXPECT_EQ(seen.size(), 3U * 3 * (1 + 3 + 9));
}

TEST(CountedRandom, OneBitOfACounterFlipsHalfTheBits) {
  double flipped = 0;
  constexpr int kTrials = 64 * 64;
  for (uint64_t trial = 0; trial < 64; ++trial) {
    for (int bit = 0; bit < 64; ++bit) {
      const uint64_t before = CountedBits(1, RandomStream::kFlip, {trial, 5});
      const uint64_t after = CountedBits(1, RandomStream::kFlip, {trial ^ (uint64_t{1} << bit), 5});
      flipped += std::popcount(before ^ after);
    }
  }
  EXPECT_NEAR(flipped / kTrials, 32.0, 0.5);
}

TEST(CountedRandom, UniformsLieInTheHalfOpenUnitIntervalAndSpreadEvenly) {
  constexpr int kDraws = 100'000;
  std::vector<int> bins(10);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const float value = UniformAt(CountedBits(3, RandomStream::kMask, {8}), static_cast<uint64_t>(i));
    ASSERT_GE(value, 0.0F);
    ASSERT_LT(value, 1.0F);
    sum += value;
    ++bins[static_cast<size_t>(value * 10)];
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_THAT(bins, testing::Each(testing::AllOf(testing::Gt(9'500), testing::Lt(10'500))));
}

TEST(CountedRandom, NeighbouringKeysGiveUnrelatedSequences) {
  double product = 0;
  constexpr int kDraws = 100'000;
  for (uint64_t i = 0; i < kDraws; ++i) product += (UniformAt(1, i) - 0.5) * (UniformAt(2, i) - 0.5);
  EXPECT_NEAR(12 * product / kDraws, 0.0, 0.02);  // correlation; a uniform's variance is 1/12
}

}  // namespace
}  // namespace mae
