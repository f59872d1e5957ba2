#include "server/stall_watch.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace mae {
namespace {

TEST(StallWatch, CallsWhatIsNotTakenBack) {
  StallWatch watch;
  absl::Notification called;
  const auto id = watch.Add(absl::Milliseconds(1), [&called] { called.Notify(); });
  called.WaitForNotification();
  EXPECT_FALSE(watch.TakeBack(id));
}

TEST(StallWatch, NeverCallsWhatIsTakenBack) {
  std::atomic<int> calls = 0;
  {
    StallWatch watch;
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(watch.TakeBack(watch.Add(absl::Hours(1), [&calls] { ++calls; })));
    }
    watch.Add(absl::Hours(1), [&calls] { ++calls; });
  }
  EXPECT_EQ(calls, 0);
}

TEST(StallWatch, AnEarlierDeadlineComesFirst) {
  StallWatch watch;
  absl::Notification called;
  watch.Add(absl::Hours(1), [] {});
  watch.Add(absl::Milliseconds(1), [&called] { called.Notify(); });
  called.WaitForNotification();
}

TEST(StallWatch, TakingBackWaitsForACallThatRuns) {
  StallWatch watch;
  absl::Notification begun;
  std::atomic<bool> ended = false;
  const auto id = watch.Add(absl::ZeroDuration(), [&] {
    begun.Notify();
    absl::Notification never;
    never.WaitForNotificationWithTimeout(absl::Milliseconds(20));
    ended = true;
  });
  begun.WaitForNotification();
  EXPECT_FALSE(watch.TakeBack(id));
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace mae
