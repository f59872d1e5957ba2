#include "image/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kManyPixels = 1 << 20;

Picture Decoded(const std::string& bytes) {
  auto picture = DecodePicture(bytes, kManyPixels);
  EXPECT_THAT(picture, IsOk());
  return picture.value_or(Picture());
}

TEST(DecodePicture, LosslessFormatsGiveEveryPixelBack) {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {9, 1}, {13, 17}}) {
    const Picture rgb = Gradient(height, width, 3);
    for (const char* extension : {".png", ".bmp"}) {
      EXPECT_EQ(LargestDifference(Decoded(Encoded(extension, AsBgr(rgb))), rgb), 0)
          << extension << height << width;
    }
    const std::string webp =
        Encoded(".webp", AsBgr(rgb), {cv::IMWRITE_WEBP_QUALITY, 101});  // above 100: lossless
    EXPECT_EQ(LargestDifference(Decoded(webp), rgb), 0);
  }
}

TEST(DecodePicture, LossyFormatsComeClose) {
  const Picture rgb = Gradient(40, 56, 3);
  const std::vector<int> progressive = {cv::IMWRITE_JPEG_QUALITY, 95, cv::IMWRITE_JPEG_PROGRESSIVE, 1};
  EXPECT_LE(LargestDifference(Decoded(Encoded(".jpg", AsBgr(rgb), {cv::IMWRITE_JPEG_QUALITY, 95})), rgb), 8);
  EXPECT_LE(LargestDifference(Decoded(Encoded(".jpg", AsBgr(rgb), progressive)), rgb), 8);
  EXPECT_LE(LargestDifference(Decoded(Encoded(".webp", AsBgr(rgb), {cv::IMWRITE_WEBP_QUALITY, 95})), rgb),
            12);
}

TEST(DecodePicture, GreyStaysOneChannelWhereTheFormatHasIt) {
  const Picture grey = Gradient(8, 12, 1);
  EXPECT_EQ(LargestDifference(Decoded(Encoded(".png", AsBgr(grey))), grey), 0);
  EXPECT_LE(LargestDifference(Decoded(Encoded(".jpg", AsBgr(grey))), grey), 4);
}

TEST(DecodePicture, AlphaIsKept) {
  const Picture rgba = Gradient(8, 12, 4);
  EXPECT_EQ(LargestDifference(Decoded(Encoded(".png", AsBgr(rgba))), rgba), 0);
  EXPECT_EQ(Decoded(Encoded(".webp", AsBgr(rgba))).channels, 4);
}

TEST(DecodePicture, SixteenBitSamplesBecomeEight) {
  for (int64_t channels : {1, 3, 4}) {
    const Picture picture = Gradient(8, 12, channels);
    EXPECT_EQ(LargestDifference(Decoded(Encoded(".png", AsBgr(picture, CV_16U, 257))), picture), 0)
        << channels;
  }
}

TEST(DecodePicture, PaletteBecomesRgb) {
  const std::string palette = PngChunk("PLTE", std::string("\x0A\x14\x1E\xC8\xD2\xDC", 6));
  const Picture picture = Decoded(HandmadePng(2, 1, 8, 3, std::string("\0\1\0", 3), palette));
  EXPECT_EQ(picture.channels, 3);
  EXPECT_THAT(picture.pixels, ElementsAre(200, 210, 220, 10, 20, 30));
}

TEST(DecodePicture, OneBitGreyBecomesBlackAndWhite) {
  const Picture picture = Decoded(HandmadePng(4, 1, 1, 0, std::string("\0\x50", 2)));
  EXPECT_EQ(picture.channels, 1);
  EXPECT_THAT(picture.pixels, ElementsAre(0, 255, 0, 255));
}

TEST(DecodePicture, GreyWithAlphaBecomesRgba) {
  const Picture picture = Decoded(HandmadePng(2, 1, 8, 4, std::string("\0\x64\xFF\x32\x80", 5)));
  EXPECT_EQ(picture.channels, 4);
  EXPECT_THAT(picture.pixels, ElementsAre(100, 100, 100, 255, 50, 50, 50, 128));
}

TEST(DecodePicture, BmpOf32BitsIsOpaqueRgb) {
  const std::string header = "BM" + LittleEndian(54 + 4, 4) + LittleEndian(0, 4) + LittleEndian(54, 4) +
                             LittleEndian(40, 4) + LittleEndian(1, 4) + LittleEndian(1, 4) +
                             LittleEndian(1, 2) + LittleEndian(32, 2) + std::string(24, '\0');
  const Picture picture = Decoded(header + std::string("\x01\x02\x03\x00", 4));
  EXPECT_EQ(picture.channels, 3);
  EXPECT_THAT(picture.pixels, ElementsAre(3, 2, 1));
}

TEST(DecodePicture, ExifOrientationIsAppliedInEachFormatThatHasIt) {
  const Picture rgb = Gradient(24, 40, 3);
  const std::string exif = ExifWithOrientation(6);  // turn right: the first row becomes the last column
  Picture turned{40, 24, 3, {}};
  for (size_t y = 0; y < 40; ++y) {
    for (size_t x = 0; x < 24; ++x) {
      const auto from = rgb.pixels.begin() + static_cast<int64_t>(((23 - x) * 40 + y) * 3);
      turned.pixels.insert(turned.pixels.end(), from, from + 3);
    }
  }
  std::string jpeg = Encoded(".jpg", AsBgr(rgb));
  jpeg.insert(2, "\xFF\xE1" + BigEndian(2 + 6 + exif.size(), 2) + std::string("Exif\0\0", 6) + exif);
  EXPECT_LE(LargestDifference(Decoded(jpeg), turned), 8);

  std::string png = Encoded(".png", AsBgr(rgb));
  png.insert(8 + 25, PngChunk("eXIf", exif));  // after the signature and IHDR
  EXPECT_EQ(LargestDifference(Decoded(png), turned), 0);

  const std::string still = Encoded(".webp", AsBgr(rgb), {cv::IMWRITE_WEBP_QUALITY, 101});
  const std::string flags = LittleEndian(8, 1) + std::string(3, '\0');  // EXIF follows
  const std::string chunks = "VP8X" + LittleEndian(10, 4) + flags + LittleEndian(39, 3) +
                             LittleEndian(23, 3) + still.substr(12) + "EXIF" + LittleEndian(exif.size(), 4) +
                             exif;
  const std::string webp = "RIFF" + LittleEndian(4 + chunks.size(), 4) + "WEBP" + chunks;
  EXPECT_EQ(LargestDifference(Decoded(webp), turned), 0);
}

TEST(DecodePicture, TheLimitIsOnPixelsInAllAndIsNamed) {
  const std::string png = Encoded(".png", AsBgr(Gradient(10, 20, 3)));
  EXPECT_THAT(DecodePicture(png, 200), IsOk());
  EXPECT_THAT(DecodePicture(png, 199),
              StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("20 x 10"), HasSubstr("199"))));
}

TEST(EncodePng, RoundTripsOneThreeAndFourChannels) {
  for (int64_t channels : {1, 3, 4}) {
    const Picture picture = Gradient(5, 7, channels);
    const auto png = EncodePng(picture);
    ASSERT_THAT(png, IsOk());
    EXPECT_EQ(LargestDifference(Decoded(*png), picture), 0) << channels;
  }
}

TEST(EncodePicture, WebpRoundTripsWithoutLoss) {
  for (const int64_t channels : {3, 4}) {
    const Picture picture = Gradient(5, 7, channels);
    const auto webp = EncodePicture(picture, PictureFormat::kWebp);
    ASSERT_THAT(webp, IsOk());
    EXPECT_EQ(webp->substr(0, 4), "RIFF");
    const auto decoded = DecodePicture(*webp, 35);
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ(decoded->pixels, picture.pixels);
  }
  const auto grey = DecodePicture(*EncodePicture(Gradient(5, 7, 1), PictureFormat::kWebp), 35);
  ASSERT_THAT(grey, IsOk());
  EXPECT_EQ(ConvertChannels(*grey, 1)->pixels, Gradient(5, 7, 1).pixels);
}

TEST(EncodePicture, SaysWhatIsTooLargeForWebp) {
  const Picture wide{1, 16384, 1, std::vector<uint8_t>(16384)};
  EXPECT_THAT(EncodePicture(wide, PictureFormat::kWebp),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("16383")));
  EXPECT_THAT(EncodePicture(wide, PictureFormat::kPng), IsOk());
}

TEST(EncodePng, RefusesSizesThatDoNotAgree) {
  Picture picture = Gradient(5, 7, 3);
  picture.pixels.pop_back();
  EXPECT_THAT(EncodePng(picture), StatusIs(StatusCode::kInvalidArgument, HasSubstr("104")));
  EXPECT_THAT(EncodePng(Gradient(5, 7, 2)), StatusIs(StatusCode::kInvalidArgument, HasSubstr("channels 2")));
  EXPECT_THAT(EncodePng(Picture()), StatusIs(StatusCode::kInvalidArgument, HasSubstr("height 0")));
}

}  // namespace
}  // namespace mae
