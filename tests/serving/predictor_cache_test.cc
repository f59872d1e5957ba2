#include "serving/predictor_cache.h"

#include <vector>

#include "absl/synchronization/notification.h"
#include "base/joined_thread.h"
#include "tests/fakes/fake_predictor.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::ElementsAre;

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
  PredictorCache cache(2, loads.Load());
  EXPECT_FALSE(cache.IsLoaded("a"));
  const auto first = cache.Acquire("a"), second = cache.Acquire("a");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*first, *second);
  EXPECT_TRUE(cache.IsLoaded("a"));
  EXPECT_THAT(loads.Keys(), ElementsAre("a"));
}

TEST(PredictorCache, TheOneUsedLongestAgoMakesRoom) {
  CountedLoads loads;
  PredictorCache cache(2, loads.Load());
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
  PredictorCache cache(1, loads.Load());
  const auto held = *cache.Acquire("a");
  const std::weak_ptr<const Predictor> dropped = *cache.Acquire("b");
  ASSERT_THAT(cache.Acquire("c"), IsOk());
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_TRUE(dropped.expired());
}

TEST(PredictorCache, CallersOfOneKeyShareOneLoadAndOthersGoOn) {
  absl::Notification started, go_on;
  CountedLoads loads;
  PredictorCache cache(4, [&, load = loads.Load()](const std::string& key) {
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

TEST(PredictorCache, AFailedLoadIsTriedAgain) {
  int calls = 0;
  PredictorCache cache(1, [&](const std::string&) -> absl::StatusOr<std::unique_ptr<Predictor>> {
    if (++calls == 1) return absl::NotFoundError("gone");
    return std::make_unique<FakePredictor>();
  });
  EXPECT_THAT(cache.Acquire("a"), StatusIs(absl::StatusCode::kNotFound, "gone"));
  EXPECT_FALSE(cache.IsLoaded("a"));
  EXPECT_THAT(cache.Acquire("a"), IsOk());
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace mae
