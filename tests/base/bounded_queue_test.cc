#include "base/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/joined_thread.h"

namespace mae {
namespace {

using testing::Optional;

const absl::Time kForever = absl::InfiniteFuture();
const absl::Time kNow = absl::InfinitePast();  // a deadline that has passed: never waits

TEST(BoundedQueue, GivesValuesInOrder) {
  BoundedQueue<int> queue(3);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(queue.Push(std::move(i), kForever));
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_THAT(queue.Pop(kForever), Optional(1));
  EXPECT_THAT(queue.Pop(kForever), Optional(2));
  EXPECT_THAT(queue.Pop(kForever), Optional(3));
}

TEST(BoundedQueue, TryPushIsRefusedWhenFullAndLeavesTheValue) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
}

TEST(BoundedQueue, PushAndPopGiveUpAtTheDeadline) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.Pop(kNow), std::nullopt);
  EXPECT_FALSE(queue.drained());
  EXPECT_TRUE(queue.Push(1, kNow));
  EXPECT_FALSE(queue.Push(2, kNow));
  EXPECT_THAT(queue.Pop(kNow), Optional(1));
}

TEST(BoundedQueue, PushWaitsUntilThereIsRoom) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.TryPush(1));
  bool pushed = false;
  JoinedThread producer([&] { pushed = queue.Push(2, kForever); });
  EXPECT_THAT(queue.Pop(kForever), Optional(1));
  EXPECT_THAT(queue.Pop(kForever), Optional(2));
  producer.Join();
  EXPECT_TRUE(pushed);
}

TEST(BoundedQueue, CloseLetsPopsDrainAndRefusesPushes) {
  BoundedQueue<int> queue(2);
  ASSERT_TRUE(queue.TryPush(1));
  queue.Close();
  queue.Close();
  EXPECT_FALSE(queue.TryPush(2));
  EXPECT_FALSE(queue.Push(2, kForever));
  EXPECT_FALSE(queue.drained());
  EXPECT_THAT(queue.Pop(kForever), Optional(1));
  EXPECT_EQ(queue.Pop(kForever), std::nullopt);
  EXPECT_TRUE(queue.drained());
}

TEST(BoundedQueue, CloseWakesAllWhoWait) {
  BoundedQueue<int> empty(1), full(1);
  ASSERT_TRUE(full.TryPush(1));
  std::optional<int> popped = 0;
  bool pushed = true;
  JoinedThread consumer([&] { popped = empty.Pop(kForever); });
  JoinedThread producer([&] { pushed = full.Push(2, kForever); });
  empty.Close();
  full.Close();
  consumer.Join();
  producer.Join();
  EXPECT_EQ(popped, std::nullopt);
  EXPECT_FALSE(pushed);
}

TEST(BoundedQueue, ACapacityOfZeroMeansOne) {
  BoundedQueue<int> queue(0);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_FALSE(queue.TryPush(2));
}

TEST(BoundedQueue, ManyProducersAndConsumersLoseNothingAndNeverPassTheCapacity) {
  constexpr int kProducers = 4, kConsumers = 3, kEach = 2'000;
  BoundedQueue<int> queue(5);
  std::vector<std::vector<int>> taken(kConsumers);
  size_t largest = 0;
  {
    std::vector<JoinedThread> consumers;
    for (auto& mine : taken) {
      consumers.emplace_back([&queue, &mine] {
        while (const std::optional<int> value = queue.Pop(kForever)) mine.push_back(*value);
      });
    }
    std::vector<JoinedThread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&queue, p] {
        for (int i = 0; i < kEach; ++i) queue.Push(p * kEach + i, kForever);
      });
    }
    for (int i = 0; i < 1'000; ++i) largest = std::max(largest, queue.size());
    producers.clear();
    queue.Close();
  }
  std::vector<int> counts(kProducers * kEach);
  for (const auto& mine : taken) {
    for (int value : mine) ++counts[static_cast<size_t>(value)];
  }
  EXPECT_THAT(counts, testing::Each(1));
  EXPECT_LE(largest, 5U);
}

}  // namespace
}  // namespace mae
