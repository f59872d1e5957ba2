#include "client/transfer_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(TransferLine, ShowsShareAndBytes) {
  EXPECT_THAT(TransferLine("sending a.pth", 25 << 20, 0, 100 << 20, absl::Milliseconds(10), 80),
              AllOf(StartsWith("sending a.pth ━"), HasSubstr(" 25 %"), HasSubstr("25.0 MiB of 100.0 MiB"),
                    Not(HasSubstr("ETA"))));
}

TEST(TransferLine, ShowsSpeedAndTimeLeftOnceTheyAreKnown) {
  EXPECT_THAT(TransferLine("sending a.pth", 25 << 20, 0, 100 << 20, absl::Seconds(5), 80),
              AllOf(HasSubstr("5.0 MiB/s"), HasSubstr("ETA 15 s")));
}

TEST(TransferLine, WhatHadGoneBeforeIsNoPartOfTheSpeed) {
  EXPECT_THAT(TransferLine("sending a.pth", 75 << 20, 50 << 20, 100 << 20, absl::Seconds(5), 80),
              AllOf(HasSubstr(" 75 %"), HasSubstr("5.0 MiB/s"), HasSubstr("ETA 5 s")));
}

TEST(TransferLine, AnEmptyTransferIsWhole) {
  EXPECT_THAT(TransferLine("receiving x", 0, 0, 0, absl::Seconds(5), 80), HasSubstr("100 %"));
}

}  // namespace
}  // namespace mae
