#include "server/caller_limits.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(CallerLimits, ABucketHoldsASecondsCallsAndFillsAsTimeGoes) {
  CallerLimits limits({.calls_per_second = 4});
  for (int i = 0; i < 4; ++i) EXPECT_THAT(limits.Admit("ann", kNow), IsOk());
  EXPECT_THAT(limits.Admit("ann", kNow), StatusIs(StatusCode::kResourceExhausted, HasSubstr("in 250ms")));
  EXPECT_THAT(limits.Admit("bob", kNow), IsOk()) << "everybody has their own";
  EXPECT_THAT(limits.Admit("ann", kNow + absl::Milliseconds(250)), IsOk());
  EXPECT_THAT(limits.Admit("ann", kNow + absl::Milliseconds(250)), StatusIs(StatusCode::kResourceExhausted));
  for (int i = 0; i < 4; ++i) EXPECT_THAT(limits.Admit("ann", kNow + absl::Hours(1)), IsOk());
  EXPECT_THAT(limits.Admit("ann", kNow + absl::Hours(1)), StatusIs(StatusCode::kResourceExhausted))
      << "an hour saves up no more than a second";
}

TEST(CallerLimits, AClockThatGoesBackTakesNothing) {
  CallerLimits limits({.calls_per_second = 1});
  EXPECT_THAT(limits.Admit("ann", kNow), IsOk());
  EXPECT_THAT(limits.Admit("ann", kNow - absl::Hours(1)), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(limits.Admit("ann", kNow - absl::Hours(1) + absl::Seconds(1)), IsOk());
}

TEST(CallerLimits, CallsUnderWayAreCountedUntilTheyEnd) {
  CallerLimits limits({.concurrent_calls = 2});
  limits.Begin("ann");
  EXPECT_THAT(limits.Admit("ann", kNow), IsOk());
  limits.Begin("ann");
  EXPECT_THAT(limits.Admit("ann", kNow), StatusIs(StatusCode::kResourceExhausted, HasSubstr("2 calls")));
  EXPECT_THAT(limits.Admit("bob", kNow), IsOk());
  limits.End("ann");
  EXPECT_THAT(limits.Admit("ann", kNow), IsOk());
}

TEST(CallerLimits, WhoHasNothingUnderWayIsForgottenAndWhoHasIsNot) {
  CallerLimits limits({.calls_per_second = 1, .concurrent_calls = 1});
  limits.Begin("ann");
  for (int i = 0; i < 5000; ++i)
    EXPECT_THAT(limits.Admit(absl::StrCat("caller-", i), kNow + i * absl::Seconds(2)), IsOk());
  EXPECT_LE(limits.callers(), 1025U);
  EXPECT_THAT(limits.Admit("ann", kNow), StatusIs(StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace mae
