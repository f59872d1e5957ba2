#include "image/image_blocks.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"
#include "tests/image/picture_bytes.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(ImageBlocks, ReadsIntegersOfBothByteOrders) {
  const std::string bytes("x\x01\x02\x83\x04", 5);
  EXPECT_EQ(ReadBigEndian(bytes, 1, 2), 0x0102U);
  EXPECT_EQ(ReadBigEndian(bytes, 1, 4), 0x01028304U);
  EXPECT_EQ(ReadLittleEndian(bytes, 1, 2), 0x0201U);
  EXPECT_EQ(ReadLittleEndian(bytes, 1, 4), 0x04830201U);
  EXPECT_EQ(ReadLittleEndian(bytes, 3, 1), 0x83U);
}

TEST(ImageBlocks, WalksPngChunks) {
  const std::string file = PngChunk("abCd", "body") + PngChunk("IEND", "");
  size_t offset = 0;
  auto chunk = NextPngChunk(file, offset);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->tag, ChunkTag("abCd"));
  EXPECT_EQ(chunk->body, "body");
  chunk = NextPngChunk(file, offset);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->tag, ChunkTag("IEND"));
  EXPECT_EQ(offset, file.size());
  EXPECT_THAT(NextPngChunk(file, offset), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut off")));
}

TEST(ImageBlocks, APngChunkOfWrongChecksumOrEndlessLengthIsRefused) {
  std::string damaged = PngChunk("abCd", "body");
  damaged[9] = 'B';
  size_t offset = 0;
  EXPECT_THAT(NextPngChunk(damaged, offset), StatusIs(StatusCode::kInvalidArgument, HasSubstr("checksum")));
  const std::string endless = BigEndian(0xFFFFFFFF, 4) + "abCd" + std::string(20, '\0');
  EXPECT_THAT(NextPngChunk(endless, offset), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut off")));
  EXPECT_EQ(offset, 0U);
}

TEST(ImageBlocks, RiffChunksOfOddLengthArePadded) {
  const std::string file =
      "ABCD" + LittleEndian(3, 4) + "xyz" + std::string(1, '\0') + "EFGH" + LittleEndian(1, 4) + "q";
  size_t offset = 0;
  auto chunk = NextRiffChunk(file, offset);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->body, "xyz");
  chunk = NextRiffChunk(file, offset);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->tag, ChunkTag("EFGH"));
  EXPECT_EQ(chunk->body, "q");
  EXPECT_EQ(offset, file.size());  // the last padding byte may be missing
}

TEST(ImageBlocks, JpegSegmentsAreFoundBehindCodedDataRestartsAndFillBytes) {
  const std::string file(
      "\xFF\xD8\xFF\xE0\x00\x04hi"
      "data\xFF\x00\xFF\xD3more\xFF\xFF\xFF\xD9",
      24);
  size_t offset = 0;
  auto segment = NextJpegSegment(file, offset);
  ASSERT_THAT(segment, IsOk());
  EXPECT_EQ(segment->tag, 0xD8U);
  segment = NextJpegSegment(file, offset);
  ASSERT_THAT(segment, IsOk());
  EXPECT_EQ(segment->tag, 0xE0U);
  EXPECT_EQ(segment->body, "hi");
  segment = NextJpegSegment(file, offset);
  ASSERT_THAT(segment, IsOk());
  EXPECT_EQ(segment->tag, 0xD9U);
  EXPECT_EQ(offset, file.size());
  EXPECT_THAT(NextJpegSegment(file, offset), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut off")));
}

TEST(ImageBlocks, AJpegSegmentShorterThanItsOwnLengthFieldIsRefused) {
  size_t offset = 0;
  EXPECT_THAT(NextJpegSegment(std::string("\xFF\xE0\x00\x01zz", 6), offset),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("length 1")));
}

}  // namespace
}  // namespace mae
