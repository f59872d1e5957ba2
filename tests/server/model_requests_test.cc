#include "server/model_requests.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

using std::chrono::system_clock;

TEST(OnOurClock, ADeadlineIsAsFarAwayThoughOneClockHasSteppedAndTheOtherHasNotSeenItYet) {
  const system_clock::time_point now = system_clock::from_time_t(1'000'000);
  for (const absl::Duration lag : {-absl::Hours(24), absl::ZeroDuration(), absl::Hours(24)}) {
    const absl::Time our_now = absl::FromChrono(now) + lag;
    EXPECT_EQ(OnOurClock(now + std::chrono::seconds(3), now, our_now), our_now + absl::Seconds(3));
    EXPECT_EQ(OnOurClock(now - std::chrono::seconds(3), now, our_now), our_now - absl::Seconds(3));
  }
}

TEST(OnOurClock, NoDeadlineStaysNone) {
  EXPECT_EQ(OnOurClock(system_clock::time_point::max(), system_clock::now(), absl::Now()),
            absl::InfiniteFuture());
}

}  // namespace
}  // namespace mae
