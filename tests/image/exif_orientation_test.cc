#include "image/exif_orientation.h"

#include <gtest/gtest.h>

#include "image/codec.h"
#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

namespace mae {
namespace {

TEST(ExifOrientation, ReadsBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(ExifOrientation(ExifWithOrientation(orientation)), orientation);
  }
  const std::string entry =
      LittleEndian(0x0112, 2) + LittleEndian(3, 2) + LittleEndian(1, 4) + LittleEndian(8, 4);
  const std::string other = LittleEndian(0x010F, 2) + LittleEndian(2, 2) + LittleEndian(4, 4) + "abc\0";
  const std::string little = std::string("II*\0", 4) + LittleEndian(8, 4) + LittleEndian(2, 2) + other +
                             std::string(1, '\0') + entry;
  EXPECT_EQ(ExifOrientation(little), 8);
}

TEST(ExifOrientation, IsUprightIfItDoesNotSay) {
  EXPECT_EQ(ExifOrientation(""), 1);
  EXPECT_EQ(ExifOrientation("hello, this is not EXIF"), 1);
  EXPECT_EQ(ExifOrientation(ExifWithOrientation(0)), 1);
  EXPECT_EQ(ExifOrientation(ExifWithOrientation(9)), 1);
}

TEST(ExifOrientation, CutOffAnywhereIsSafe) {
  const std::string exif = ExifWithOrientation(6);
  for (size_t length = 0; length < exif.size() - 4; ++length) {
    EXPECT_EQ(ExifOrientation(std::string_view(exif).substr(0, length)), 1) << length;
  }
  for (size_t i = 0; i < exif.size(); ++i) {
    std::string damaged = exif;
    damaged[i] = '\xFF';
    EXPECT_GE(ExifOrientation(damaged), 1);
  }
}

// The picture [1 2 3 / 4 5 6] as a camera holding it each way would store it, by the standard's table.
TEST(ExifOrientation, EachOfTheEightTurnsThePictureUpright) {
  const std::vector<std::vector<uint8_t>> stored_rows = {
      {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
      {1, 4, 2, 5, 3, 6}, {3, 6, 2, 5, 1, 4}, {6, 3, 5, 2, 4, 1}, {4, 1, 5, 2, 6, 3}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const bool is_turned = orientation >= 5;
    Picture stored{is_turned ? 3 : 2, is_turned ? 2 : 3, 1,
                   stored_rows[static_cast<size_t>(orientation - 1)]};
    auto png = EncodePng(stored);
    ASSERT_THAT(png, IsOk());
    png->insert(8 + 25, PngChunk("eXIf", ExifWithOrientation(orientation)));
    const auto upright = DecodePicture(*png, 100);
    ASSERT_THAT(upright, IsOk());
    EXPECT_EQ(LargestDifference(*upright, Picture{2, 3, 1, {1, 2, 3, 4, 5, 6}}), 0) << orientation;
  }
}

}  // namespace
}  // namespace mae
