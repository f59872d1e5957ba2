#include "data/image_folder.h"

#include <gmock/gmock.h>

#include "data/dataset.h"
#include "data/image_picture.h"
#include "tests/data/picture_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::Lt;

TEST(ImageFolder, ClassesAreTheFoldersInOrderOfTheirNames) {
  const TempFolder root;
  WriteCatsAndDogs(root.path());
  WritePng(root / "train/ant/x.PNG", 8, 8, {0, 255, 0});
  const auto dataset = ScanImageFolder(root.path());
  ASSERT_THAT(dataset, IsOk());
  EXPECT_THAT(dataset->labels, ElementsAre("ant", "cat", "dog"));
  EXPECT_THAT(dataset->train.labels, ElementsAre(0, 1, 1, 1, 2, 2, 2));
  EXPECT_THAT(dataset->validation.labels, ElementsAre(1, 2)) << "numbered as in training";
}

TEST(ImageFolder, OtherFilesArePassedOver) {
  const TempFolder root;
  WriteCatsAndDogs(root.path());
  SetFileBytes(root / "train/cat/notes.txt", "x");
  SetFileBytes(root / "train/cat/._0.png", "x");
  std::filesystem::create_directories(root / "train/.cache");
  const auto dataset = ScanImageFolder(root.path());
  ASSERT_THAT(dataset, IsOk());
  EXPECT_EQ(dataset->train.count(), 6);
}

TEST(ImageFolder, IsADatasetLikeAnyOther) {
  const TempFolder root;
  WriteCatsAndDogs(root.path());
  auto info = InspectDataset("pets", root.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->format, "image_folder");
  EXPECT_TRUE(info->encoded);
  EXPECT_EQ(info->train_images, 6);
  EXPECT_EQ(info->validation_images, 2);
  EXPECT_EQ(info->channels, 3);
  EXPECT_EQ(info->height, 8);
  ASSERT_THAT(MeasurePixels(*info), IsOk());
  EXPECT_THAT(info->mean, ElementsAre(AllOf(Gt(0.49), Lt(0.51)), 0, AllOf(Gt(0.49), Lt(0.51))));
  const auto images = LoadSplit(info->format, info->path, Split::kTrain, 4);
  ASSERT_THAT(images, IsOk());
  EXPECT_THAT(images->labels, ElementsAre(0, 0, 0, 1));
  const auto picture = PictureOf(*images, 3);
  ASSERT_THAT(picture, IsOk());
  EXPECT_THAT(std::vector<uint8_t>(picture->pixels.begin(), picture->pixels.begin() + 3),
              ElementsAre(0, 0, 255));
}

TEST(ImageFolder, ImagesOfSeveralSizesComeAs224) {
  const TempFolder root;
  WriteCatsAndDogs(root.path());
  WritePng(root / "train/cat/9.png", 10, 12, {1, 2, 3});
  const auto info = InspectDataset("pets", root.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->height, 224);
  EXPECT_EQ(info->width, 224);
}

TEST(ImageFolder, GreyImagesHaveOneChannel) {
  const TempFolder root;
  WritePng(root / "train/a/0.png", 8, 8, {7});
  WritePng(root / "test/a/0.png", 8, 8, {7});
  const auto info = InspectDataset("grey", root.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->channels, 1);
}

TEST(ImageFolder, NamesWhatIsMissing) {
  const TempFolder root;
  WritePng(root / "train/cat/0.png", 8, 8, {1, 2, 3});
  EXPECT_THAT(ScanImageFolder(root.path()), StatusIs(StatusCode::kNotFound, HasSubstr("val, validation")));
  WritePng(root / "val/cow/0.png", 8, 8, {1, 2, 3});
  EXPECT_THAT(ScanImageFolder(root.path()), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cow")));
  std::filesystem::remove_all(root / "val/cow");
  std::filesystem::create_directories(root / "val/cat");
  EXPECT_THAT(ScanImageFolder(root.path()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("holds no pictures")));
}

}  // namespace
}  // namespace mae
