#include "augment/horizontal_flip.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

TEST(HorizontalFlip, IsAFairCoinOfSeedEpochAndImage) {
  int flips = 0, same_in_next_epoch = 0, same_with_other_seed = 0;
  for (int64_t image = 0; image < 4000; ++image) {
    const bool flip = FlipsImage(1, 2, image);
    EXPECT_EQ(flip, FlipsImage(1, 2, image));
    flips += flip ? 1 : 0;
    same_in_next_epoch += flip == FlipsImage(1, 3, image) ? 1 : 0;
    same_with_other_seed += flip == FlipsImage(2, 2, image) ? 1 : 0;
  }
  EXPECT_NEAR(flips, 2000, 160);
  EXPECT_NEAR(same_in_next_epoch, 2000, 160);
  EXPECT_NEAR(same_with_other_seed, 2000, 160);
}

TEST(HorizontalFlip, MirrorsEveryRowOfEveryChannel) {
  ByteImage image{2, 2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  FlipHorizontally(image);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}));
}

}  // namespace
}  // namespace mae
