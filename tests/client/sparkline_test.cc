#include "client/sparkline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "client/readable.h"

namespace mae {
namespace {

using testing::ElementsAre;

TEST(Sparkline, GoesFromLowestToHighestBlock) {
  EXPECT_EQ(Sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 8), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline({3, 3, 3}, 8), "▁▁▁");
}

TEST(Sparkline, IsNoWiderThanAsked) {
  const std::vector<double> many(1000, 1.0);
  EXPECT_EQ(DisplayWidth(Sparkline(many, 40)), 40);
  EXPECT_EQ(Sparkline(many, 0), "");
}

TEST(Sparkline, LeavesOutWhatIsNotFinite) {
  EXPECT_EQ(Sparkline({0, std::nan(""), INFINITY, 1}, 8), "▁█");
  EXPECT_EQ(Sparkline({std::nan("")}, 8), "");
}

TEST(Thinned, AveragesEqualShares) {
  EXPECT_THAT(Thinned({1, 3, 5, 7}, 2), ElementsAre(2, 6));
  EXPECT_THAT(Thinned({1, 2}, 5), ElementsAre(1, 2));
}

}  // namespace
}  // namespace mae
