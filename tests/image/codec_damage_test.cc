#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <map>

#include "image/codec.h"
#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

/// What nobody should send: garbage, pictures that are cut off, damaged, or far larger than their file.
namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kManyPixels = 1 << 20;

std::map<std::string, std::string> OneOfEach(int64_t channels) {
  const cv::Mat mat = AsBgr(Gradient(37, 45, channels));
  return {{"png", Encoded(".png", mat)},
          {"bmp", Encoded(".bmp", mat)},
          {"jpeg", Encoded(".jpg", mat)},
          {"progressive jpeg", Encoded(".jpg", mat, {cv::IMWRITE_JPEG_PROGRESSIVE, 1})},
          {"jpeg with restarts", Encoded(".jpg", mat, {cv::IMWRITE_JPEG_RST_INTERVAL, 2})},
          {"lossy webp", Encoded(".webp", mat, {cv::IMWRITE_WEBP_QUALITY, 80})},
          {"lossless webp", Encoded(".webp", mat, {cv::IMWRITE_WEBP_QUALITY, 101})}};
}

TEST(DamagedPicture, CutOffAnywhereIsRefusedInEveryFormat) {
  for (const auto& [name, bytes] : OneOfEach(3)) {
    ASSERT_THAT(DecodePicture(bytes, kManyPixels), IsOk()) << name;
    for (size_t length = 0; length < bytes.size(); ++length) {
      ASSERT_THAT(DecodePicture(bytes.substr(0, length), kManyPixels), StatusIs(StatusCode::kInvalidArgument))
          << name << " cut at " << length << " of " << bytes.size();
    }
  }
}

// Decodes twice, with new memory filled differently: whatever pixels are not of the file would differ.
absl::StatusOr<Picture> DecodeFromDirtyMemory(const std::string& bytes) {
  mallopt(M_PERTURB, 0x11);
  const auto first = DecodePicture(bytes, kManyPixels);
  mallopt(M_PERTURB, 0xC7);
  const auto second = DecodePicture(bytes, kManyPixels);
  mallopt(M_PERTURB, 0);
  EXPECT_EQ(first.status(), second.status());
  if (first.ok() && second.ok()) {
    EXPECT_EQ(LargestDifference(*first, *second), 0);
  }
  return second;
}

// A JPEG whose coded data stops early but ends properly may decode with flat rows, but to nothing foreign.
TEST(DamagedPicture, AJpegThatLacksItsLastRowsShowsNothingOfOtherMemory) {
  for (const auto& [name, bytes] : OneOfEach(3)) {
    if (name.find("jpeg") == std::string::npos) continue;
    for (size_t cut = 3; cut < bytes.size(); ++cut) {
      const auto picture = DecodeFromDirtyMemory(bytes.substr(0, bytes.size() - cut) + "\xFF\xD9");
      if (!picture.ok()) {
        ASSERT_THAT(picture, StatusIs(StatusCode::kInvalidArgument));
      }
      ASSERT_FALSE(HasFailure()) << name << " cut by " << cut;
    }
  }
}

TEST(DamagedPicture, EveryFlippedByteOfAPngIsNoticed) {
  const std::string png = Encoded(".png", AsBgr(Gradient(9, 11, 3)));
  for (size_t i = 0; i < png.size(); ++i) {
    std::string damaged = png;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_THAT(DecodePicture(damaged, kManyPixels), StatusIs(StatusCode::kInvalidArgument)) << "byte " << i;
  }
}

TEST(DamagedPicture, EveryFlippedByteOfTheOthersGivesAPictureOrAnErrorAndNothingOfOtherMemory) {
  for (const auto& [name, bytes] : OneOfEach(1)) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0xFF);
      const auto picture = DecodeFromDirtyMemory(damaged);
      if (!picture.ok()) {
        ASSERT_THAT(picture, StatusIs(StatusCode::kInvalidArgument));
      }
      ASSERT_FALSE(HasFailure()) << name << " byte " << i;
    }
  }
}

TEST(DamagedPicture, APngWithTooFewRowsIsRefused) {
  const std::string one_row_of_two("\0abc", 4);
  EXPECT_THAT(DecodePicture(HandmadePng(1, 2, 8, 2, one_row_of_two), kManyPixels),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("damaged")));
}

TEST(DamagedPicture, ABombIsRefusedByItsHeader) {
  const std::string bomb = HandmadePng(30'000, 30'000, 8, 2, std::string(50'000, '\0'));
  EXPECT_THAT(
      DecodePicture(bomb, 50'000'000),
      StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("30000 x 30000"), HasSubstr("50000000"))));
}

TEST(DamagedPicture, EmptyInputAndOtherFormatsAreRefusedByName) {
  EXPECT_THAT(DecodePicture("", kManyPixels), StatusIs(StatusCode::kInvalidArgument, HasSubstr("empty")));
  for (const std::string start :
       {"GIF89a", "II*\0aaaa", "MM\0*aaaa", "\x76\x2F\x31\x01", "%PDF-1.7", "RIFFxxxxWAVE", "hello world",
        "\xFF\xD8", "\x89PNG", "P6\n1 1\n255\nabc"}) {
    EXPECT_THAT(DecodePicture(start + std::string(100, 'x'), kManyPixels),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("PNG, JPEG, WebP or BMP")))
        << start;
  }
}

TEST(DamagedPicture, MagicBytesBeforeGarbageAreRefused) {
  for (const std::string& magic : {std::string("\x89PNG\r\n\x1A\n"), std::string("\xFF\xD8\xFF\xE0"),
                                   std::string("RIFF\x40\0\0\0WEBPVP8 ", 16), std::string("BM")}) {
    uint32_t state = 1;
    for (int trial = 0; trial < 200; ++trial) {
      std::string bytes = magic;
      while (bytes.size() < 200) bytes += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
      EXPECT_THAT(DecodePicture(bytes, kManyPixels), StatusIs(StatusCode::kInvalidArgument));
    }
  }
}

}  // namespace
}  // namespace mae
