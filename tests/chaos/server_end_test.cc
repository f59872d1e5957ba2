#include "tests/chaos/server_end.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

constexpr int kBySigkill = 137, kAborted = 134, kSegfault = 139, kHung = -1;

TEST(ServerEnd, OnlyLackOfMemoryExplainsACrash) {
  for (const int code : {1, kAborted, kSegfault}) {
    EXPECT_FALSE(IsExplained(code, {.by_term = true, .by_kill = true})) << code;
    EXPECT_TRUE(IsExplained(code, {.lacked_memory = true})) << code;
  }
}

TEST(ServerEnd, AKillExplainsThatItWasKilledAndNothingElseDoes) {
  EXPECT_TRUE(IsExplained(kBySigkill, {.by_kill = true}));
  EXPECT_FALSE(IsExplained(kBySigkill, {.by_term = true, .lacked_memory = true}));
}

TEST(ServerEnd, ItEndsWellOnlyWhenItWasToldTo) {
  EXPECT_TRUE(IsExplained(0, {.by_term = true}));
  EXPECT_FALSE(IsExplained(0, {.by_kill = true, .lacked_memory = true}));
}

TEST(ServerEnd, NothingExplainsThatItDoesNotEnd) {
  EXPECT_FALSE(IsExplained(kHung, {.by_term = true, .by_kill = true, .lacked_memory = true}));
}

TEST(ServerEnd, AStartThatMeetsAFailureEndsWithOneAndOneThatIsKilledAsKilled) {
  for (const auto effect : {FaultPage::kFail, FaultPage::kFailOn}) {
    EXPECT_TRUE(IsExplainedStart(1, effect));
    for (const int code : {0, kAborted, kSegfault, kBySigkill, kHung})
      EXPECT_FALSE(IsExplainedStart(code, effect)) << code;
  }
  for (const auto effect : {FaultPage::kKill, FaultPage::kTear}) {
    EXPECT_TRUE(IsExplainedStart(kBySigkill, effect));
    for (const int code : {0, 1, kAborted, kSegfault, kHung})
      EXPECT_FALSE(IsExplainedStart(code, effect)) << code;
  }
}

}  // namespace
}  // namespace mae
