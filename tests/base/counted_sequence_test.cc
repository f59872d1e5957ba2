#include "base/counted_sequence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "base/counted_random.h"

namespace mae {
namespace {

struct Moments {
  double mean = 0, variance = 0, low = 0, high = 0;
};

Moments MomentsOf(const std::function<double(CountedSequence&)>& draw, int count = 40000) {
  CountedSequence sequence(CountedBits(3, RandomStream::kInit, {17}));
  Moments moments;
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const double value = draw(sequence);
    sum += value;
    squares += value * value;
    moments.low = i == 0 ? value : std::min(moments.low, value);
    moments.high = i == 0 ? value : std::max(moments.high, value);
  }
  moments.mean = sum / count;
  moments.variance = squares / count - moments.mean * moments.mean;
  return moments;
}

TEST(CountedSequence, IsAFunctionOfItsKey) {
  CountedSequence a(5), b(5), other(6);
  std::vector<double> from_a, from_b, from_other;
  for (int i = 0; i < 20; ++i) {
    from_a.push_back(a.Normal());
    from_b.push_back(b.Normal());
    from_other.push_back(other.Normal());
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_other);
}

TEST(CountedSequence, UniformFillsItsRange) {
  const Moments moments = MomentsOf([](CountedSequence& s) { return s.Uniform(2.0, 6.0); });
  EXPECT_NEAR(moments.mean, 4.0, 0.03);
  EXPECT_NEAR(moments.variance, 16.0 / 12, 0.03);
  EXPECT_GE(moments.low, 2.0);
  EXPECT_LT(moments.high, 6.0);
}

TEST(CountedSequence, BelowReachesEveryNumberAndNoOther) {
  CountedSequence sequence(1);
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(sequence.Below(5));
  EXPECT_EQ(seen, (std::set<int64_t>{0, 1, 2, 3, 4}));
}

TEST(CountedSequence, NormalHasItsMoments) {
  const Moments moments = MomentsOf([](CountedSequence& s) { return s.Normal(); });
  EXPECT_NEAR(moments.mean, 0.0, 0.02);
  EXPECT_NEAR(moments.variance, 1.0, 0.03);
  EXPECT_GT(moments.high, 3.0);
  EXPECT_LT(moments.low, -3.0);
}

TEST(CountedSequence, GammaHasItsMomentsAboveAndBelowOne) {
  for (const double shape : {0.2, 0.8, 1.0, 3.5}) {
    const Moments moments = MomentsOf([&](CountedSequence& s) { return s.Gamma(shape); });
    EXPECT_NEAR(moments.mean, shape, 0.05 * std::max(1.0, shape)) << shape;
    EXPECT_NEAR(moments.variance, shape, 0.1 * std::max(1.0, shape)) << shape;
    EXPECT_GE(moments.low, 0.0);
  }
}

TEST(CountedSequence, BetaIsSymmetricWithTheRightSpread) {
  for (const double alpha : {0.2, 0.8, 1.0, 4.0}) {
    const Moments moments = MomentsOf([&](CountedSequence& s) { return s.Beta(alpha); });
    EXPECT_NEAR(moments.mean, 0.5, 0.01) << alpha;
    EXPECT_NEAR(moments.variance, 1.0 / (4.0 * (2.0 * alpha + 1.0)), 0.005) << alpha;
    EXPECT_GE(moments.low, 0.0);
    EXPECT_LE(moments.high, 1.0);
  }
}

TEST(CountedSequence, BetaOfATinyAlphaIsOneOfTheEnds) {
  const Moments moments = MomentsOf([](CountedSequence& s) { return s.Beta(1e-6); }, 2000);
  EXPECT_NEAR(moments.mean, 0.5, 0.05);
  EXPECT_NEAR(moments.variance, 0.25, 0.01);
}

}  // namespace
}  // namespace mae
