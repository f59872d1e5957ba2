#include "base/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace mae {
namespace {

// Work that runs until it is let go.
class Blocked {
 public:
  std::function<void()> Work() {
    return [this] {
      started_.Notify();
      released_.WaitForNotification();
    };
  }
  void WaitUntilStarted() { started_.WaitForNotification(); }
  void Release() { released_.Notify(); }

 private:
  absl::Notification started_, released_;
};

TEST(WorkQueue, RunsEverythingOnce) {
  std::atomic<int> runs = 0;
  absl::BlockingCounter all(100);
  WorkQueue queue(4, 100);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue.TryPush([&] {
      ++runs;
      all.DecrementCount();
    }));
  }
  all.Wait();
  EXPECT_EQ(runs, 100);
}

TEST(WorkQueue, RefusesWhenThreadsAreBusyAndTheQueueIsFull) {
  Blocked blocked;
  WorkQueue queue(1, 1);
  ASSERT_TRUE(queue.TryPush(blocked.Work()));
  blocked.WaitUntilStarted();
  EXPECT_TRUE(queue.TryPush([] {}));
  EXPECT_FALSE(queue.TryPush([] { FAIL() << "refused work ran"; }));
  blocked.Release();
}

TEST(WorkQueue, TellsWhetherThreadsAreLacking) {
  Blocked blocked;
  WorkQueue queue(1, 8);
  EXPECT_FALSE(queue.LacksThreads());
  ASSERT_TRUE(queue.TryPushToIdle(blocked.Work()));
  blocked.WaitUntilStarted();
  EXPECT_FALSE(queue.LacksThreads());
  EXPECT_FALSE(queue.TryPushToIdle([] { FAIL() << "refused work ran"; }));
  EXPECT_FALSE(queue.LacksThreads());
  absl::Notification ran;
  ASSERT_TRUE(queue.TryPush([&] { ran.Notify(); }));
  EXPECT_TRUE(queue.LacksThreads());
  blocked.Release();
  ran.WaitForNotification();
  EXPECT_FALSE(queue.LacksThreads());
}

TEST(WorkQueue, WithoutRoomToWaitTakesWorkForIdleThreadsOnly) {
  Blocked blocked;
  WorkQueue queue(1, 0);
  ASSERT_TRUE(queue.TryPush(blocked.Work()));
  EXPECT_FALSE(queue.TryPush([] {}));
  blocked.Release();
}

TEST(WorkQueue, DestructionRunsWhatWaits) {
  std::atomic<int> runs = 0;
  Blocked blocked;
  {
    WorkQueue queue(1, 10);
    ASSERT_TRUE(queue.TryPush(blocked.Work()));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue.TryPush([&] { ++runs; }));
    blocked.Release();
  }
  EXPECT_EQ(runs, 10);
}

TEST(WorkQueue, ThreadsWorkAtTheSameTime) {
  WorkQueue queue(3, 0);
  auto* barrier = new absl::Barrier(3);
  absl::BlockingCounter done(3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.TryPush([&] {
      if (barrier->Block()) delete barrier;
      done.DecrementCount();
    }));
  }
  done.Wait();
}

TEST(WorkQueue, LetsGoOfWhatFinishedWorkHeld) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  {
    WorkQueue queue(1, 1);
    ASSERT_TRUE(queue.TryPush([held = std::move(held)] {}));
  }
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace mae
