#include "client/readable.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

google::protobuf::Timestamp At(int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  return time;
}

TEST(Readable, DurationsShowTheirTwoLargestUnits) {
  EXPECT_EQ(ReadableDuration(absl::Seconds(-3)), "0 s");
  EXPECT_EQ(ReadableDuration(absl::Seconds(59.9)), "59 s");
  EXPECT_EQ(ReadableDuration(absl::Seconds(200)), "3 min 20 s");
  EXPECT_EQ(ReadableDuration(absl::Minutes(125)), "2 h 5 min");
  EXPECT_EQ(ReadableDuration(absl::Hours(99)), "4 d 3 h");
}

TEST(Readable, TimesAgo) {
  const absl::Time now = absl::FromUnixSeconds(1000000);
  EXPECT_EQ(TimeAgo(At(0), now), "-");
  EXPECT_EQ(TimeAgo(At(1000100), now), "just now");
  EXPECT_EQ(TimeAgo(At(1000000 - 59), now), "59 s ago");
  EXPECT_EQ(TimeAgo(At(1000000 - 3599), now), "59 min ago");
  EXPECT_EQ(TimeAgo(At(1000000 - 86399), now), "23 h ago");
  EXPECT_EQ(TimeAgo(At(1000000 - 3 * 86400), now), "3 d ago");
}

TEST(Readable, Numbers) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(-123456), "-123,456");
  EXPECT_EQ(ReadableBytes(1023), "1023 B");
  EXPECT_EQ(ReadableBytes(1536), "1.5 KiB");
  EXPECT_EQ(ReadableBytes(int64_t{3} << 30), "3.0 GiB");
  EXPECT_EQ(ReadableNumber(0.231245), "0.2312");
  EXPECT_EQ(ReadableNumber(1.2e-5), "1.2e-05");
}

TEST(Readable, SlugsAreFileNames) {
  EXPECT_EQ(Slug("T-shirt/top"), "t-shirt-top");
  EXPECT_EQ(Slug(" Ankle  boot! "), "ankle-boot");
  EXPECT_EQ(Slug("../.."), "");
}

TEST(Readable, WidthCountsCharactersAndNoColours) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("▁▂█"), 3);
  EXPECT_EQ(DisplayWidth("\x1b[31mred\x1b[0m"), 3);
  EXPECT_EQ(DisplayWidth("broken \x1b[31"), 7);
}

}  // namespace
}  // namespace mae
