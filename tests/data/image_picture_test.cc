#include "data/image_picture.h"

#include <gmock/gmock.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::ElementsAre;

TEST(ImagePicture, PlanesBecomeInterleavedBytes) {
  ImageSet set;
  set.count = 2;
  set.channels = 3;
  set.height = 1;
  set.width = 2;
  set.pixels = {0, 0, 0, 0, 0, 0, 1, 2, 11, 12, 21, 22};
  const auto picture = PictureOf(set, 1);
  ASSERT_THAT(picture, IsOk());
  EXPECT_THAT(picture->pixels, ElementsAre(1, 11, 21, 2, 12, 22));
}

TEST(ImagePicture, TheMiddleOfALongPictureIsKept) {
  // 2 x 6: the columns are 0 0 9 9 0 0.
  const Picture wide{2, 6, 1, {0, 0, 9, 9, 0, 0, 0, 0, 9, 9, 0, 0}};
  const auto square = CoverAndCrop(wide, 2, 2);
  ASSERT_THAT(square, IsOk());
  EXPECT_THAT(square->pixels, ElementsAre(9, 9, 9, 9));
}

TEST(ImagePicture, CoversTheSizeWhateverTheAspect) {
  const Picture picture{5, 9, 3, std::vector<uint8_t>(135, 77)};
  for (const auto& [height, width] : {std::pair{4, 4}, {7, 3}, {16, 16}, {1, 30}}) {
    const auto fitted = CoverAndCrop(picture, height, width);
    ASSERT_THAT(fitted, IsOk());
    EXPECT_EQ(fitted->height, height);
    EXPECT_EQ(fitted->width, width);
    EXPECT_EQ(fitted->pixels, std::vector<uint8_t>(static_cast<size_t>(height * width * 3), 77));
  }
}

}  // namespace
}  // namespace mae
