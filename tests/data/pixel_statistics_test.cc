#include "data/pixel_statistics.h"

#include <gmock/gmock.h>

namespace mae {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;

TEST(PixelStatistics, MeasuresEachChannelOverAllPictures) {
  PixelStatistics statistics(2);
  statistics.Add({1, 2, 2, {0, 255, 255, 255}});
  statistics.Add({1, 1, 2, {51, 0}});
  EXPECT_THAT(statistics.Mean(), ElementsAre(DoubleNear(0.4, 1e-12), DoubleNear(2.0 / 3, 1e-12)));
  EXPECT_THAT(statistics.StdDev(),
              ElementsAre(DoubleNear(0.432049379893857, 1e-12), DoubleNear(0.471404520791032, 1e-12)));
}

TEST(PixelStatistics, PicturesOfOneColourCanStillBeDividedBy) {
  PixelStatistics statistics(1);
  statistics.Add({1, 2, 1, {9, 9}});
  EXPECT_THAT(statistics.StdDev(), ElementsAre(DoubleEq(1.0 / 255)));
}

}  // namespace
}  // namespace mae
