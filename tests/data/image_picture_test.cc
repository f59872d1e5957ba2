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

}  // namespace
}  // namespace mae
