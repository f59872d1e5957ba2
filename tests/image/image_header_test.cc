#include "image/image_header.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

MATCHER_P3(Header, format, width, height, "") {
  return arg.format == format && arg.width == width && arg.height == height;
}

std::string Bmp(const std::string& info) { return "BM" + std::string(12, '\0') + info; }

std::string BmpInfo(int64_t width, int64_t height, int compression = 0) {
  return LittleEndian(40, 4) + LittleEndian(static_cast<uint64_t>(width), 4) +
         LittleEndian(static_cast<uint64_t>(height), 4) + LittleEndian(1, 2) + LittleEndian(24, 2) +
         LittleEndian(static_cast<uint64_t>(compression), 4) + std::string(20, '\0');
}

std::string Webp(const std::string& name, const std::string& body) {
  return "RIFF" + LittleEndian(12 + body.size(), 4) + "WEBP" + name + LittleEndian(body.size(), 4) + body;
}

TEST(ImageHeader, TellsFormatAndSizeOfRealFiles) {
  const cv::Mat mat = AsBgr(Gradient(7, 300, 3));
  EXPECT_THAT(ReadImageHeader(Encoded(".png", mat)), IsOkAndHolds(Header(ImageFormat::kPng, 300, 7)));
  EXPECT_THAT(ReadImageHeader(Encoded(".jpg", mat)), IsOkAndHolds(Header(ImageFormat::kJpeg, 300, 7)));
  EXPECT_THAT(ReadImageHeader(Encoded(".bmp", mat)), IsOkAndHolds(Header(ImageFormat::kBmp, 300, 7)));
  for (int quality : {80, 101}) {
    EXPECT_THAT(ReadImageHeader(Encoded(".webp", mat, {cv::IMWRITE_WEBP_QUALITY, quality})),
                IsOkAndHolds(Header(ImageFormat::kWebp, 300, 7)));
  }
}

TEST(ImageHeader, NeedsNoPixelsToTellTheSize) {
  const std::string png = HandmadePng(30'000, 40'000, 8, 2, "");
  EXPECT_THAT(ReadImageHeader(png.substr(0, 33)), IsOkAndHolds(Header(ImageFormat::kPng, 30'000, 40'000)));
  EXPECT_THAT(ReadImageHeader(Bmp(BmpInfo(70'000, 5))), IsOkAndHolds(Header(ImageFormat::kBmp, 70'000, 5)));
}

// "WEBP" stands at byte 8 or nowhere: a shorter file that ends in it was read beyond its end.
TEST(ImageHeader, AWebpCutOffInItsFirstTwelveBytesIsRefused) {
  for (const char* bytes : {"RIFFWEBP", "RIFF1WEBP", "RIFF12WEBP", "RIFF123WEBP", "RIFF1234WEBP"}) {
    EXPECT_THAT(ReadImageHeader(bytes), StatusIs(StatusCode::kInvalidArgument)) << bytes;
  }
}

TEST(ImageHeader, ReadsAllKindsOfWebp) {
  const std::string extended = std::string(4, '\0') + LittleEndian(0xFFFFFF, 3) + LittleEndian(99, 3);
  EXPECT_THAT(ReadImageHeader(Webp("VP8X", extended)),
              IsOkAndHolds(Header(ImageFormat::kWebp, 1 << 24, 100)));
  const std::string animated = "\2" + extended.substr(1);
  EXPECT_THAT(ReadImageHeader(Webp("VP8X", animated)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("animated")));
  const std::string scaled =
      std::string("\0\0\0\x9D\x01\x2A", 6) + LittleEndian(0x4000 + 320, 2) + LittleEndian(200, 2);
  EXPECT_THAT(ReadImageHeader(Webp("VP8 ", scaled)), IsOkAndHolds(Header(ImageFormat::kWebp, 320, 200)));
  EXPECT_THAT(ReadImageHeader(Webp("ALPH", scaled)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("WebP")));
}

TEST(ImageHeader, BmpMayBeStoredFromTheTopOrHaveTheOldHeader) {
  EXPECT_THAT(ReadImageHeader(Bmp(BmpInfo(6, -5))), IsOkAndHolds(Header(ImageFormat::kBmp, 6, 5)));
  EXPECT_THAT(ReadImageHeader(Bmp(BmpInfo(6, -(int64_t{1} << 31)))),
              IsOkAndHolds(Header(ImageFormat::kBmp, 6, int64_t{1} << 31)));
  const std::string old =
      LittleEndian(12, 4) + LittleEndian(40'000, 2) + LittleEndian(9, 2) + LittleEndian(0, 4);
  EXPECT_THAT(ReadImageHeader(Bmp(old)), IsOkAndHolds(Header(ImageFormat::kBmp, 40'000, 9)));
}

TEST(ImageHeader, RefusesSizesOfZeroOrLess) {
  EXPECT_THAT(ReadImageHeader(HandmadePng(0, 4, 8, 2, "")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("0 x 4")));
  EXPECT_THAT(ReadImageHeader(Bmp(BmpInfo(-3, 4))),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("-3 x 4")));
  EXPECT_THAT(ReadImageHeader(Bmp(BmpInfo(3, 0))),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("3 x 0")));
}

TEST(ImageHeader, RefusesCompressedBmp) {
  EXPECT_THAT(ReadImageHeader(Bmp(BmpInfo(3, 4, 1))),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("compression 1")));
}

TEST(ImageHeader, RefusesAJpegWithoutAFrame) {
  EXPECT_THAT(ReadImageHeader("\xFF\xD8\xFF\xD9"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("JPEG header")));
}

}  // namespace
}  // namespace mae
