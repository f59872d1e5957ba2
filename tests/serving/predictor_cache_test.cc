#include "serving/predictor_cache.h"

#include <new>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/joined_thread.h"
#include "tests/fakes/fake_predictor.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A load that notes its keys.
struct CountedLoads {
  absl::Mutex mutex;
  std::vector<std::string> keys ABSL_GUARDED_BY(mutex);

  PredictorCache::Load Load() {
    return [this](const std::string& key) -> absl::StatusOr<std::unique_ptr<Predictor>> {
      const absl::MutexLock lock(&mutex);
      keys.push_back(key);
      return std::make_unique<FakePredictor>();
    };
  }
  std::vector<std::string> Keys() {
    const absl::MutexLock lock(&mutex);
    return keys;
  }
};

TEST(PredictorCache, LoadsOnceAndThenGivesTheSame) {
  CountedLoads loads;
  PredictorCache cache({.models = 2}, loads.Load());
  EXPECT_FALSE(cache.IsLoaded("a"));
  const auto first = cache.Acquire("a"), second = cache.Acquire("a");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*first, *second);
  EXPECT_TRUE(cache.IsLoaded("a"));
  EXPECT_THAT(loads.Keys(), ElementsAre("a"));
}

TEST(PredictorCache, TheOneUsedLongestAgoMakesRoom) {
  CountedLoads loads;
  PredictorCache cache({.models = 2}, loads.Load());
  for (const char* key : {"a", "b", "a", "c"}) ASSERT_THAT(cache.Acquire(key), IsOk());
  EXPECT_TRUE(cache.IsLoaded("a"));
  EXPECT_FALSE(cache.IsLoaded("b"));
  EXPECT_TRUE(cache.IsLoaded("c"));
  ASSERT_THAT(cache.Acquire("b"), IsOk());
  EXPECT_FALSE(cache.IsLoaded("a"));
  EXPECT_THAT(loads.Keys(), ElementsAre("a", "b", "c", "b"));
}

TEST(PredictorCache, ADroppedPredictorLivesWhileItIsHeld) {
  CountedLoads loads;
  PredictorCache cache({.models = 1}, loads.Load());
  const auto held = *cache.Acquire("a");
  const std::weak_ptr<const Predictor> dropped = *cache.Acquire("b");
  ASSERT_THAT(cache.Acquire("c"), IsOk());
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_TRUE(dropped.expired());
}

TEST(PredictorCache, CallersOfOneKeyShareOneLoadAndOthersGoOn) {
  absl::Notification started, go_on;
  CountedLoads loads;
  PredictorCache cache({.models = 4}, [&, load = loads.Load()](const std::string& key) {
    if (key == "slow") {
      started.Notify();
      go_on.WaitForNotification();
    }
    return load(key);
  });
  std::shared_ptr<const Predictor> got[3];
  {
    std::vector<JoinedThread> callers;
    callers.emplace_back([&] { got[0] = *cache.Acquire("slow"); });
    started.WaitForNotification();
    callers.emplace_back([&] { got[1] = *cache.Acquire("slow"); });
    callers.emplace_back([&] { got[2] = *cache.Acquire("slow"); });
    EXPECT_FALSE(cache.IsLoaded("slow"));
    EXPECT_THAT(cache.Acquire("quick"), IsOk());  // no lock is held over a load
    go_on.Notify();
  }
  EXPECT_NE(got[0], nullptr);
  EXPECT_EQ(got[0], got[1]);
  EXPECT_EQ(got[0], got[2]);
  EXPECT_THAT(loads.Keys(), ElementsAre("quick", "slow"));
}

TEST(PredictorCache, ALoadThatThrowsHasFailedAndIsTriedAgain) {
  bool throws = true;
  CountedLoads loads;
  PredictorCache cache({.models = 1}, [&, load = loads.Load()](const std::string& key) {
    if (std::exchange(throws, false)) throw std::bad_alloc();
    return load(key);
  });
  EXPECT_THAT(cache.Acquire("a"), StatusIs(StatusCode::kResourceExhausted, HasSubstr("loading the model")));
  EXPECT_THAT(cache.Acquire("a"), IsOk());
}

TEST(PredictorCache, AFailedLoadIsTriedAgain) {
  int calls = 0;
  PredictorCache cache({.models = 1}, [&](const std::string&) -> absl::StatusOr<std::unique_ptr<Predictor>> {
    if (++calls == 1) return absl::NotFoundError("gone");
    return std::make_unique<FakePredictor>();
  });
  EXPECT_THAT(cache.Acquire("a"), StatusIs(absl::StatusCode::kNotFound, "gone"));
  EXPECT_FALSE(cache.IsLoaded("a"));
  EXPECT_THAT(cache.Acquire("a"), IsOk());
  EXPECT_EQ(calls, 2);
}

TEST(PredictorCache, APinnedOneNeverMakesRoom) {
  CountedLoads loads;
  PredictorCache cache({.models = 2}, loads.Load());
  ASSERT_THAT(cache.Acquire("a", true), IsOk());
  for (const char* key : {"b", "c", "d"}) ASSERT_THAT(cache.Acquire(key), IsOk());
  EXPECT_THAT(cache.Loaded(), ElementsAre("a", "d"));
  EXPECT_TRUE(cache.IsPinned("a"));
  ASSERT_THAT(cache.Acquire("a"), IsOk());
  EXPECT_TRUE(cache.IsPinned("a")) << "a request takes no pin away";
  ASSERT_THAT(cache.Acquire("a", false), IsOk());
  for (const char* key : {"b", "c"}) ASSERT_THAT(cache.Acquire(key), IsOk());
  EXPECT_THAT(cache.Loaded(), ElementsAre("b", "c"));
}

TEST(PredictorCache, WhereAllArePinnedThereIsNoRoom) {
  CountedLoads loads;
  PredictorCache cache({.models = 2}, loads.Load());
  ASSERT_THAT(cache.Acquire("a", true), IsOk());
  ASSERT_THAT(cache.Acquire("b", true), IsOk());
  EXPECT_THAT(cache.Acquire("c"),
              StatusIs(StatusCode::kResourceExhausted, AllOf(HasSubstr("all 2"), HasSubstr("pinned"))));
  EXPECT_TRUE(LeavesNoRoom(cache.Acquire("c").status()));
  EXPECT_THAT(cache.Acquire("a"), IsOk());
  cache.Drop("b");
  EXPECT_THAT(cache.Acquire("c"), IsOk());
  EXPECT_THAT(loads.Keys(), ElementsAre("a", "b", "c"));
}

// As large as its key is long, in MiB.
int64_t SizeByName(const std::string& key) { return static_cast<int64_t>(key.size()) << 20; }

TEST(PredictorCache, WhatIsInMemoryStaysWithinTheBudget) {
  CountedLoads loads;
  PredictorCache cache({.models = 9, .bytes = 10 << 20}, loads.Load(), SizeByName);
  for (const char* key : {"aaaa", "bbbb", "cc"}) ASSERT_THAT(cache.Acquire(key), IsOk());
  EXPECT_THAT(cache.Loaded(), ElementsAre("aaaa", "bbbb", "cc"));
  ASSERT_THAT(cache.Acquire("aaaa"), IsOk());
  ASSERT_THAT(cache.Acquire("ddd"), IsOk());
  EXPECT_THAT(cache.Loaded(), ElementsAre("aaaa", "cc", "ddd"));
  ASSERT_THAT(cache.Acquire("eeeeeeee"), IsOk());
  EXPECT_THAT(cache.Loaded(), ElementsAre("eeeeeeee")) << "as many go as it takes";
}

TEST(PredictorCache, WhatTheBudgetCantHoldIsRefusedAndMakesNoRoom) {
  CountedLoads loads;
  PredictorCache cache({.models = 9, .bytes = 10 << 20}, loads.Load(), SizeByName);
  ASSERT_THAT(cache.Acquire("aaaa", true), IsOk());
  ASSERT_THAT(cache.Acquire("bbb"), IsOk());
  for (const char* key : {"more-than-ten", "seven77"})
    EXPECT_TRUE(LeavesNoRoom(cache.Acquire(key).status())) << key;
  EXPECT_THAT(cache.Acquire("more-than-ten"),
              StatusIs(StatusCode::kResourceExhausted, AllOf(HasSubstr("13 MiB"), HasSubstr("memory_mib"))));
  EXPECT_THAT(cache.Acquire("seven77"),
              StatusIs(StatusCode::kResourceExhausted, AllOf(HasSubstr("7 MiB"), HasSubstr("4 of 10"))));
  EXPECT_THAT(cache.Loaded(), ElementsAre("aaaa", "bbb"));
  EXPECT_THAT(loads.Keys(), ElementsAre("aaaa", "bbb"));
}

TEST(PredictorCache, WhatLoadedSideBySideFitsAgainAfterwards) {
  CountedLoads loads;
  absl::Notification slow_started, go_on;
  PredictorCache cache({.models = 1}, [&, load = loads.Load()](const std::string& key) {
    if (key == "slow") {
      slow_started.Notify();
      go_on.WaitForNotification();
    }
    return load(key);
  });
  {
    const JoinedThread caller([&] { EXPECT_THAT(cache.Acquire("slow"), IsOk()); });
    slow_started.WaitForNotification();
    EXPECT_THAT(cache.Acquire("quick"), IsOk());
    go_on.Notify();
  }
  EXPECT_EQ(cache.Loaded().size(), 1U);
}

TEST(PredictorCache, UnloadEndsWhenTheLastHolderHasLetGo) {
  CountedLoads loads;
  PredictorCache cache({.models = 2}, loads.Load());
  auto held = *cache.Acquire("a", true);
  const std::weak_ptr<const Predictor> watched = held;
  EXPECT_THAT(cache.Unload("a", {.deadline = absl::InfinitePast()}), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(cache.IsLoaded("a"));
  EXPECT_THAT(cache.Unload("a", {.is_cancelled = [] { return true; }}), StatusIs(StatusCode::kCancelled));
  EXPECT_FALSE(watched.expired());
  {
    const JoinedThread waits([&] {
      EXPECT_THAT(cache.Unload("a", {}), IsOk());
      EXPECT_TRUE(watched.expired());
    });
    held = nullptr;
  }
  ASSERT_THAT(cache.Acquire("a"), IsOk());
  EXPECT_THAT(loads.Keys(), ElementsAre("a", "a"));
  EXPECT_FALSE(cache.IsPinned("a")) << "a pin goes with the memory";
}

TEST(PredictorCache, UnloadWaitsForNoLaterLoad) {
  CountedLoads loads;
  PredictorCache cache({.models = 2}, loads.Load());
  absl::Notification asked;
  auto held = *cache.Acquire("a");
  std::shared_ptr<const Predictor> later;
  {
    const JoinedThread waits([&] {
      EXPECT_THAT(cache.Unload("a", {.is_cancelled =
                                         [&] {
                                           if (!asked.HasBeenNotified()) asked.Notify();
                                           return false;
                                         }}),
                  IsOk());
    });
    asked.WaitForNotification();  // it waits
    later = *cache.Acquire("a");
    held = nullptr;
  }
  EXPECT_TRUE(cache.IsLoaded("a"));
}

}  // namespace
}  // namespace mae
