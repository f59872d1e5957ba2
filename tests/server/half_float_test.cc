#include "server/half_float.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mae {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(HalfFloat, HalvesAreReadExactly) {
  EXPECT_EQ(FloatOfHalf(0x3C00), 1.0F);
  EXPECT_EQ(FloatOfHalf(0xC100), -2.5F);
  EXPECT_EQ(FloatOfHalf(0x7BFF), 65504.0F);
  EXPECT_EQ(FloatOfHalf(0x0001), std::ldexp(1.0F, -24));  // the smallest
  EXPECT_EQ(FloatOfHalf(0x03FF), std::ldexp(1023.0F, -24));
  EXPECT_EQ(FloatOfHalf(0x0400), std::ldexp(1.0F, -14));
  EXPECT_EQ(FloatOfHalf(0x7C00), kInfinity);
  EXPECT_EQ(FloatOfHalf(0xFC00), -kInfinity);
  EXPECT_TRUE(std::isnan(FloatOfHalf(0x7E00)));
  EXPECT_TRUE(std::signbit(FloatOfHalf(0x8000)));
}

TEST(HalfFloat, BFloat16sAreReadExactly) {
  EXPECT_EQ(FloatOfBFloat16(0x3F80), 1.0F);
  EXPECT_EQ(FloatOfBFloat16(0xC020), -2.5F);
  EXPECT_EQ(FloatOfBFloat16(0x7F80), kInfinity);
  EXPECT_TRUE(std::isnan(FloatOfBFloat16(0x7FC0)));
}

}  // namespace
}  // namespace mae
