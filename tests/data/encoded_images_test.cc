#include "data/encoded_images.h"

#include <gmock/gmock.h>

#include "tests/data/picture_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class EncodedImagesTest : public testing::Test {
 protected:
  // One image, the file whole.
  EncodedImages One(const std::string& bytes) const {
    SetFileBytes(folder_ / "one", bytes);
    return {{folder_ / "one"}, {}, {{0, 0, static_cast<int64_t>(bytes.size())}}, {0}};
  }

  TempFolder folder_;
};

TEST_F(EncodedImagesTest, GivesTheChannelsAskedFor) {
  const EncodedImages images = One(PlainPng(2, 3, {10, 10, 10}));
  const auto grey = DecodeEncodedImage(images, 0, 1), colour = DecodeEncodedImage(images, 0, 3);
  ASSERT_THAT(grey, IsOk());
  ASSERT_THAT(colour, IsOk());
  EXPECT_EQ(grey->pixels, std::vector<uint8_t>(6, 10));
  EXPECT_EQ(colour->pixels, std::vector<uint8_t>(18, 10));
}

TEST_F(EncodedImagesTest, AlphaIsLaidOverWhite) {
  const auto picture = DecodeEncodedImage(One(PlainPng(1, 1, {0, 0, 0, 0})), 0, 3);
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->pixels, std::vector<uint8_t>(3, 255));
}

TEST_F(EncodedImagesTest, NamesTheImageThatIsDamaged) {
  const std::string png = PlainPng(8, 8, {1, 2, 3});
  EXPECT_THAT(DecodeEncodedImage(One(png.substr(0, png.size() / 2)), 0, 3),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("/one'")));
  EXPECT_THAT(DecodeEncodedImage(One("no picture"), 0, 3),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("/one'")));
}

TEST_F(EncodedImagesTest, AFileThatShrankOrWentIsSaidSo) {
  EncodedImages images = One(PlainPng(8, 8, {1, 2, 3}));
  images.places[0].bytes += 1;
  EXPECT_THAT(ReadEncodedImage(images, 0), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut off")));
  std::filesystem::remove(folder_ / "one");
  EXPECT_THAT(ReadEncodedImage(images, 0), StatusIs(StatusCode::kNotFound));
}

TEST_F(EncodedImagesTest, BoundsTheBytesOfOneImageBeforeItTakesMemory) {
  EncodedImages images = One("x");
  images.places[0].bytes = kMaxEncodedImageBytes + 1;
  EXPECT_THAT(ReadEncodedImage(images, 0),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(std::to_string(kMaxEncodedImageBytes))));
}

TEST_F(EncodedImagesTest, TheFirstFewAreKept) {
  EncodedImages images{{"a"}, {}, {{0, 0, 1}, {0, 1, 1}, {0, 2, 1}}, {0, 1, 2}};
  KeepFirst(images, 0);
  EXPECT_EQ(images.count(), 3);
  KeepFirst(images, 2);
  EXPECT_EQ(images.count(), 2);
  EXPECT_EQ(images.labels.size(), 2u);
}

}  // namespace
}  // namespace mae
