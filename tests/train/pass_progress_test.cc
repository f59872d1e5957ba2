#include "train/pass_progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace mae {
namespace {

TEST(PassProgress, IsToldOnceASecondAtMost) {
  const PassProgress::Clock::time_point begin;
  const auto after = [&](int milliseconds) { return begin + std::chrono::milliseconds(milliseconds); };
  std::vector<PassProgress::Part> told;
  PassProgress progress(
      100, [&](const PassProgress::Part& part) { told.push_back(part); }, begin);
  progress.Seen(10, after(900));
  EXPECT_TRUE(told.empty());
  progress.Seen(10, after(2000));
  progress.Seen(10, after(2900));
  progress.Seen(20, after(4000));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].done, 20);
  EXPECT_EQ(told[0].images, 100);
  EXPECT_DOUBLE_EQ(told[0].images_per_second, 10.0);
  EXPECT_DOUBLE_EQ(told[0].seconds_left, 8.0);
  EXPECT_EQ(told[1].done, 50);
}

}  // namespace
}  // namespace mae
