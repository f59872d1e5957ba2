#include "runtime/compute_threads.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace mae {
namespace {

using testing::UnorderedElementsAre;

class ForPartsTest : public testing::Test {
 protected:
  ~ForPartsTest() override { at::set_num_threads(threads_); }

  const int threads_ = at::get_num_threads();
};

// Serial code would pass every other test of what runs on it.
TEST_F(ForPartsTest, IsAPartForEachComputeThread) {
  at::set_num_threads(3);
  std::mutex mutex;
  std::vector<std::pair<int, std::pair<int64_t, int64_t>>> parts;
  ForParts(10, 16, [&](int64_t first, int64_t end) {
    const std::lock_guard lock(mutex);
    parts.push_back({at::get_thread_num(), {first, end}});
  });
  using Part = std::pair<int64_t, int64_t>;
  EXPECT_THAT(parts, UnorderedElementsAre(std::pair(0, Part(10, 12)), std::pair(1, Part(12, 14)),
                                          std::pair(2, Part(14, 16))));
}

TEST_F(ForPartsTest, IsOnePartOnOneThread) {
  at::set_num_threads(1);
  std::vector<std::pair<int64_t, int64_t>> parts;
  ForParts(0, 9, [&](int64_t first, int64_t end) { parts.emplace_back(first, end); });
  EXPECT_THAT(parts, UnorderedElementsAre(std::pair<int64_t, int64_t>(0, 9)));
}

TEST_F(ForPartsTest, LeavesAThreadTheCountThatItAskedForWhateverOthersAskedForSince) {
  std::thread([] {
    at::set_num_threads(3);
    ASSERT_EQ(at::get_num_threads(), 3);
    std::thread([] { at::set_num_threads(1); }).join();
    for (int call = 0; call < 2; ++call) {
      std::atomic<int> parts = 0;
      ForParts(0, 3, [&](int64_t, int64_t) { ++parts; });
      EXPECT_EQ(parts, 3) << "call " << call;
    }
    EXPECT_EQ(at::get_num_threads(), 3);
  }).join();
}

TEST_F(ForPartsTest, PassesExceptionsOn) {
  at::set_num_threads(2);
  EXPECT_THROW(ForParts(0, 2,
                        [](int64_t first, int64_t) {
                          if (first == 1) throw std::runtime_error("of the second part");
                        }),
               std::runtime_error);
}

}  // namespace
}  // namespace mae
