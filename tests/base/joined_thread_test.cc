#include "base/joined_thread.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/synchronization/notification.h"

namespace mae {
namespace {

TEST(JoinedThread, DestroyingItWaitsForTheEnd) {
  absl::Notification may_end;
  bool ended = false;  // no atomic needed: the join orders the write before the read
  std::optional<JoinedThread> thread;
  thread.emplace([&] {
    may_end.WaitForNotification();
    ended = true;
  });
  may_end.Notify();
  thread.reset();
  EXPECT_TRUE(ended);
}

TEST(JoinedThread, AssigningOverItWaitsForTheOldOne) {
  bool first_ended = false, second_ended = false;
  JoinedThread thread([&] { first_ended = true; });
  thread = JoinedThread([&] { second_ended = true; });
  EXPECT_TRUE(first_ended);
  thread.Join();
  EXPECT_TRUE(second_ended);
}

TEST(JoinedThread, JoinMayBeRepeatedAndIsNothingForNoThread) {
  JoinedThread none;
  none.Join();
  EXPECT_FALSE(none.joinable());
  JoinedThread thread([] {});
  EXPECT_TRUE(thread.joinable());
  thread.Join();
  thread.Join();
  EXPECT_FALSE(thread.joinable());
}

TEST(JoinedThread, MovesItsThread) {
  bool ended = false;
  JoinedThread from([&] { ended = true; });
  JoinedThread to = std::move(from);
  to.Join();
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace mae
