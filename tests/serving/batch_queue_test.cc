#include "serving/batch_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using Rows = BatchQueue::Rows;

/// A model whose answer to an image is its first value and the size of the batch. Runs are held while `held`.
class FakeModel {
 public:
  absl::StatusOr<Rows> Run(int64_t kind, const std::vector<float>& values, int64_t images) {
    absl::MutexLock lock(&mutex_);
    ++entered_;
    mutex_.Await(absl::Condition(
        +[](bool* held) { return !*held; }, &held_));
    kinds_.push_back(kind);
    sizes_.push_back(images);
    if (values[0] < -1) throw std::runtime_error("odd");
    if (values[0] < 0) return absl::InternalError("the model is broken");
    Rows rows;
    const auto stride = static_cast<int64_t>(values.size()) / images;
    for (int64_t i = 0; i < images; ++i) {
      rows.push_back({values[static_cast<size_t>(i * stride)], static_cast<float>(images)});
    }
    return rows;
  }
  void Hold(bool held) {
    const absl::MutexLock lock(&mutex_);
    held_ = held;
  }
  void WaitUntilEntered(int runs) {
    const auto reached = [this, runs] { return entered_ >= runs; };
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&reached));
  }
  std::vector<int64_t> sizes() {
    const absl::MutexLock lock(&mutex_);
    return sizes_;
  }
  std::vector<int64_t> kinds() {
    const absl::MutexLock lock(&mutex_);
    return kinds_;
  }

 private:
  absl::Mutex mutex_;
  bool held_ = false;
  int entered_ = 0;
  std::vector<int64_t> sizes_, kinds_;
};

class BatchQueueTest : public testing::Test {
 protected:
  void Make(const BatchOptions& options = {}, int threads = 1) {
    queue_ = nullptr;
    threads_ = std::make_unique<WorkQueue>(threads, 16);
    queue_ = std::make_unique<BatchQueue>(
        options, *threads_,
        [this](int64_t kind, std::vector<float>& values, int64_t images) {
          return model_.Run(kind, values, images);
        },
        [this](const BatchRecord& record) {
          const absl::MutexLock lock(&mutex_);
          records_.push_back(record);
        });
  }

  /// A request on a thread of its own; returns once it waits in the queue, or has been answered.
  void Start(float value, int64_t images = 1, int64_t kind = 0, RequestContext context = {}) {
    const size_t index = answers_.size();
    answers_.push_back(absl::UnknownError("none yet"));
    askers_.emplace_back([=, this] {
      const auto answer =
          queue_->Run(kind, std::vector<float>(static_cast<size_t>(images) * 2, value), images, context);
      const absl::MutexLock lock(&mutex_);
      answers_[index] = answer;
    });
    // The only other way to see that it waits is the refusal of one more.
    while (!queue_->Waits(static_cast<int64_t>(askers_.size()) - begun_)) std::this_thread::yield();
  }
  /// One that the model holds on to, so that those that come next wait.
  void Occupy() {
    model_.Hold(true);
    answers_.push_back(absl::UnknownError("none yet"));
    askers_.emplace_back([this] {
      const auto answer = queue_->Run(0, {100, 100}, 1, {});
      const absl::MutexLock lock(&mutex_);
      answers_[0] = answer;
    });
    model_.WaitUntilEntered(1);
    begun_ = 1;
  }
  void Finish() {
    model_.Hold(false);
    for (auto& asker : askers_) asker.join();
    askers_.clear();
  }

  FakeModel model_;
  std::unique_ptr<WorkQueue> threads_;
  std::unique_ptr<BatchQueue> queue_;
  std::vector<std::thread> askers_;
  int64_t begun_ = 0;
  absl::Mutex mutex_;
  std::vector<absl::StatusOr<Rows>> answers_{};
  std::vector<BatchRecord> records_;
};

TEST_F(BatchQueueTest, OneRequestRunsAtOnceAsABatchOfItsOwn) {
  Make();
  EXPECT_THAT(queue_->Run(0, {7, 7}, 1, {}), IsOkAndHolds(ElementsAre(ElementsAre(7, 1))));
}

TEST_F(BatchQueueTest, WhatComesWhileTheModelRunsIsTheNextBatch) {
  Make();
  answers_.reserve(8);
  Occupy();
  for (int i = 1; i <= 4; ++i) Start(static_cast<float>(i), i == 2 ? 3 : 1);
  Finish();
  EXPECT_THAT(model_.sizes(), ElementsAre(1, 6));
  EXPECT_THAT(answers_[1], IsOkAndHolds(ElementsAre(ElementsAre(1, 6))));
  EXPECT_THAT(answers_[2],
              IsOkAndHolds(ElementsAre(ElementsAre(2, 6), ElementsAre(2, 6), ElementsAre(2, 6))));
  EXPECT_THAT(answers_[4], IsOkAndHolds(ElementsAre(ElementsAre(4, 6))));
  ASSERT_THAT(records_, SizeIs(2));
  EXPECT_EQ(records_[1].images, 6);
  EXPECT_EQ(records_[1].requests, 4);
}

TEST_F(BatchQueueTest, BatchesAreAtMostAsLargeAsAllowedAndKindsStayApart) {
  Make({.max_batch = 4});
  answers_.reserve(8);
  Occupy();
  Start(1, 3);
  Start(2, 2);
  Start(3, 1);
  Start(4, 1, /*kind=*/1);
  Finish();
  EXPECT_THAT(model_.sizes(), ElementsAre(1, 4, 2, 1));
  EXPECT_THAT(model_.kinds(), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(answers_[3], IsOkAndHolds(ElementsAre(ElementsAre(3, 4)))) << "it fits beside the first";
}

TEST_F(BatchQueueTest, MoreImagesThanABatchRunInParts) {
  Make({.max_batch = 4});
  const auto rows = queue_->Run(0, std::vector<float>(20, 5), 10, {});
  ASSERT_THAT(rows, IsOk());
  EXPECT_THAT(*rows, SizeIs(10));
  EXPECT_THAT(model_.sizes(), ElementsAre(4, 4, 2));
}

TEST_F(BatchQueueTest, SmallerPrioritiesGoFirst) {
  Make({.max_batch = 1});
  answers_.reserve(8);
  Occupy();
  Start(1, 1, /*kind=*/1, {.priority = 2});
  Start(2, 1, /*kind=*/2, {.priority = 1});
  Start(3, 1, /*kind=*/3, {.priority = 1});
  Finish();
  EXPECT_THAT(model_.kinds(), ElementsAre(0, 2, 3, 1));
}

TEST_F(BatchQueueTest, AFullQueueRefuses) {
  Make({.max_queued = 3});
  answers_.reserve(8);
  Occupy();
  Start(1, 2);
  EXPECT_THAT(queue_->Run(0, {1, 1, 1, 1}, 2, {}),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("2 images wait")));
  Finish();
  EXPECT_THAT(answers_, Each(IsOk()));
}

TEST_F(BatchQueueTest, ADeadlineThatPassesInTheQueueIsNotRun) {
  Make();
  Occupy();
  EXPECT_THAT(queue_->Run(0, {1, 1}, 1, {.deadline = absl::Now() + absl::Milliseconds(1)}),
              StatusIs(StatusCode::kDeadlineExceeded));
  Finish();
  EXPECT_THAT(model_.sizes(), ElementsAre(1));
}

TEST_F(BatchQueueTest, ADeadlineThatTheModelCannotMeetIsNotRunUntilItIsTriedAgain) {
  Make();
  model_.Hold(true);
  std::thread slow([this] { EXPECT_THAT(queue_->Run(0, {1, 1}, 1, {}), IsOk()); });
  model_.WaitUntilEntered(1);
  absl::SleepFor(absl::Milliseconds(300));  // The model is slow: that is the subject.
  model_.Hold(false);
  slow.join();
  const auto hurried = [this] {
    return queue_->Run(0, {1, 1}, 1, {.deadline = absl::Now() + absl::Milliseconds(200)});
  };
  EXPECT_THAT(hurried(), StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("could answer")));
  EXPECT_THAT(model_.sizes(), ElementsAre(1));
  for (int i = 0; i < 10 && !hurried().ok(); ++i) continue;
  EXPECT_THAT(hurried(), IsOk()) << "one slow start turned everybody away for ever";
}

TEST_F(BatchQueueTest, WhoHasGoneIsNotRun) {
  Make();
  answers_.reserve(8);
  Occupy();
  Start(1, 1, 0, {.is_cancelled = [] { return true; }});
  Finish();
  EXPECT_THAT(answers_[1], StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(model_.sizes(), ElementsAre(1));
}

TEST_F(BatchQueueTest, AnErrorOfTheModelIsThatOfEachRequestOfTheBatch) {
  Make();
  answers_.reserve(8);
  Occupy();
  Start(-1);
  Start(2);
  Finish();
  EXPECT_THAT(answers_[0], IsOk());
  for (int i : {1, 2}) EXPECT_THAT(answers_[i], StatusIs(StatusCode::kInternal, HasSubstr("broken")));
}

TEST_F(BatchQueueTest, WhatTheModelThrowsIsAnErrorOfEachRequestOfTheBatchAndTheQueueGoesOn) {
  Make();
  answers_.reserve(8);
  Occupy();
  Start(-2);
  Start(2);
  Finish();
  for (int i : {1, 2}) EXPECT_THAT(answers_[i], StatusIs(StatusCode::kInternal, HasSubstr("odd")));
  EXPECT_THAT(queue_->Run(0, {1, 1}, 1, {}), IsOk());
}

TEST_F(BatchQueueTest, ADelayFillsTheBatch) {
  Make({.max_batch = 3, .max_delay = absl::Seconds(60)});
  answers_.reserve(8);
  for (int i = 0; i < 2; ++i) Start(static_cast<float>(i));
  answers_.push_back(absl::UnknownError("none yet"));
  answers_[2] = queue_->Run(0, {9, 9}, 1, {});  // Nobody would be answered for a minute without it.
  Finish();
  EXPECT_THAT(answers_, Each(IsOk()));
  EXPECT_THAT(model_.sizes(), ElementsAre(3));
}

TEST_F(BatchQueueTest, APreferredSizeEndsTheDelay) {
  Make({.max_batch = 8, .preferred = {3}, .max_delay = absl::Seconds(60)});
  answers_.reserve(8);
  for (int i = 0; i < 2; ++i) Start(static_cast<float>(i));
  answers_.push_back(absl::UnknownError("none yet"));
  answers_[2] = queue_->Run(0, {9, 9}, 1, {});
  Finish();
  EXPECT_THAT(answers_, Each(IsOk()));
  EXPECT_THAT(model_.sizes(), ElementsAre(3));
}

TEST_F(BatchQueueTest, OfMoreThatWaitTheLargestPreferredSizeIsTaken) {
  Make({.max_batch = 8, .preferred = {2, 4}});
  answers_.reserve(8);
  Occupy();
  for (int i = 1; i <= 7; ++i) Start(static_cast<float>(i));
  Finish();
  EXPECT_THAT(answers_, Each(IsOk()));
  EXPECT_THAT(model_.sizes(), ElementsAre(1, 4, 2, 1));
}

TEST_F(BatchQueueTest, WorkAloneTakesItsTurn) {
  Make();
  answers_.reserve(8);
  Occupy();
  Start(1);
  std::atomic<bool> ran = false;
  std::thread alone([&] { EXPECT_THAT(queue_->RunAlone([&] { ran = true; }, 2, {}), IsOk()); });
  while (!queue_->Waits(2)) std::this_thread::yield();
  EXPECT_FALSE(ran) << "the model is at something else";
  Finish();
  alone.join();
  EXPECT_TRUE(ran);
  EXPECT_THAT(model_.sizes(), ElementsAre(1, 1));
}

TEST_F(BatchQueueTest, WorkAloneWaitsForNoOthersToJoinIt) {
  Make({.max_batch = 8, .max_delay = absl::Minutes(10)});
  EXPECT_THAT(queue_->RunAlone([] {}, 1, {.deadline = absl::Now() + absl::Seconds(20)}), IsOk());
}

TEST_F(BatchQueueTest, TwoBatchesRunSideBySideIfTheyMay) {
  Make({.max_running = 2}, /*threads=*/2);
  model_.Hold(true);
  std::thread one([this] { EXPECT_THAT(queue_->Run(0, {1, 1}, 1, {}), IsOk()); });
  model_.WaitUntilEntered(1);
  std::thread two([this] { EXPECT_THAT(queue_->Run(0, {2, 2}, 1, {}), IsOk()); });
  model_.WaitUntilEntered(2);
  model_.Hold(false);
  one.join();
  two.join();
}

TEST_F(BatchQueueTest, ManyCallersGetTheirOwnAnswers) {
  Make({.max_batch = 8, .max_running = 2}, /*threads=*/2);
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (int c = 0; c < 16; ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) {
        const float value = static_cast<float>(c * 1000 + i);
        const auto rows = queue_->Run(c % 2, {value, value}, 1, {});
        right += rows.ok() && rows->size() == 1 && (*rows)[0][0] == value ? 1 : 0;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(right, 16 * 50);
}

}  // namespace
}  // namespace mae
