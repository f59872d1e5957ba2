#include "serving/response_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace mae {
namespace {

using Rows = std::vector<std::vector<float>>;

// An answer of a little more than `kilobytes`.
Rows Answer(size_t kilobytes, float value = 1) { return {std::vector<float>(kilobytes * 256, value)}; }

// The value that an answer is full of; -1: it is not there.
float Found(ResponseCache& cache, int64_t owner, const std::string& key) {
  const auto found = cache.Find(owner, key);
  return found == nullptr ? -1 : std::get<Rows>(*found)[0][0];
}

TEST(ResponseCache, GivesWhatWasPutInForThatOwner) {
  ResponseCache cache(1 << 20);
  const int64_t one = cache.NewOwner(), other = cache.NewOwner();
  cache.Put(one, "a", Answer(1, 5));
  cache.Put(other, "a", Answer(1, 7));
  cache.Put(one, "a", Answer(1, 9));  // the first stays: answers never change
  EXPECT_EQ(Found(cache, one, "a"), 5);
  EXPECT_EQ(Found(cache, other, "a"), 7);
  EXPECT_EQ(Found(cache, one, "b"), -1);
}

TEST(ResponseCache, TheAnswerUsedLongestAgoMakesRoom) {
  ResponseCache cache(40 << 10);
  const int64_t owner = cache.NewOwner();
  for (const char* key : {"a", "b", "c"}) cache.Put(owner, key, Answer(10));
  EXPECT_EQ(Found(cache, owner, "a"), 1);  // used now, so b is the oldest
  cache.Put(owner, "d", Answer(10));
  EXPECT_EQ(Found(cache, owner, "b"), -1);
  for (const char* key : {"a", "c", "d"}) EXPECT_EQ(Found(cache, owner, key), 1) << key;
  cache.Put(owner, "large", Answer(35));
  EXPECT_EQ(Found(cache, owner, "large"), 1);
  for (const char* key : {"a", "c", "d"}) EXPECT_EQ(Found(cache, owner, key), -1) << key;
}

TEST(ResponseCache, NeverHoldsMoreThanItMay) {
  constexpr int64_t kMost = 100 << 10;
  ResponseCache cache(kMost);
  const int64_t owner = cache.NewOwner();
  for (size_t i = 0; i < 500; ++i) {
    cache.Put(owner, std::to_string(i), Answer(i % 30));
    ASSERT_LE(cache.bytes(), kMost);
  }
  EXPECT_GT(cache.bytes(), kMost / 2);
  cache.Put(owner, "larger than all", Answer(101));
  EXPECT_EQ(Found(cache, owner, "larger than all"), -1);
  EXPECT_GT(cache.bytes(), kMost / 2) << "nothing made room in vain";
}

TEST(ResponseCache, CountsAllOfAnAnswer) {
  ResponseCache cache(1 << 20);
  ReconstructionResult result;
  result.prediction.values.resize(1000);
  result.pixels.values.resize(2000);
  for (Picture* picture : {&result.original, &result.masked, &result.reconstruction, &result.pasted}) {
    picture->pixels.resize(500);
  }
  cache.Put(cache.NewOwner(), "r", std::vector<ReconstructionResult>{result});
  EXPECT_GE(cache.bytes(), 3000 * 4 + 4 * 500);
  const int64_t before = cache.bytes();
  cache.Put(cache.NewOwner(), "e", FloatTensor{{1, 1000}, std::vector<float>(1000)});
  EXPECT_GE(cache.bytes() - before, 4000);
}

TEST(ResponseCache, AnOwnersAnswersGoTogether) {
  ResponseCache cache(1 << 20);
  const int64_t one = cache.NewOwner(), other = cache.NewOwner();
  for (const char* key : {"", "a", "b"}) {
    cache.Put(one, key, Answer(1));
    cache.Put(other, key, Answer(1));
  }
  const int64_t all = cache.bytes();
  cache.DropAllOf(one);
  EXPECT_EQ(cache.bytes(), all / 2);
  EXPECT_EQ(Found(cache, one, "a"), -1);
  EXPECT_EQ(Found(cache, other, ""), 1);
  cache.DropAllOf(other);
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(ResponseCache, ManyThreadsMayUseIt) {
  ResponseCache cache(64 << 10);
  const int64_t owner = cache.NewOwner();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, owner, t] {
      for (int i = 0; i < 300; ++i) {
        const int number = (i * 7 + t) % 50;
        cache.Put(owner, std::to_string(number), Answer(4, static_cast<float>(number)));
        const float found = Found(cache, owner, std::to_string(number));
        EXPECT_TRUE(found == -1 || found == static_cast<float>(number)) << found;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(cache.bytes(), 64 << 10);
}

}  // namespace
}  // namespace mae
