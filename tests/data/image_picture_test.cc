#include "data/image_picture.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/data/picture_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

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

TEST(ImagePicture, AVisitDecodesTheChosenImagesOfAFolder) {
  const TempFolder root;
  for (const char* split : {"train", "val"}) {
    for (int i = 0; i < 3; ++i)
      WritePng(root / split / "a" / (std::to_string(i) + ".png"), 4, 4, {static_cast<uint8_t>(i)});
  }
  const DatasetInfo info = InspectDataset("greys", root.path()).value();
  std::vector<int64_t> indices;
  EXPECT_THAT(VisitPictures(info, Split::kTrain, {1, 1, 9},
                            [&](int64_t index, int64_t label, const Picture& picture) {
                              indices.push_back(index);
                              EXPECT_EQ(label, 0);
                              EXPECT_EQ(picture.channels, info.channels);
                              EXPECT_EQ(picture.pixels.front(), index);
                              return absl::OkStatus();
                            }),
              IsOk());
  EXPECT_THAT(indices, ElementsAre(1, 2));
}

}  // namespace
}  // namespace mae
