#include "base/work_team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"

namespace mae {
namespace {

// Enough for whatever a machine that is busy with other things makes of a wait that ends by itself.
constexpr absl::Duration kLong = absl::Seconds(60);

// Runs phases of many sizes, each of which reads what the one before wrote, without atomics: a piece that ran
// twice, not at all, or beside one of the phase before is seen in the values. @return how many were wrong.
int64_t WrongPieces(WorkTeam& team, int64_t phases) {
  constexpr int64_t kMost = 37;
  std::vector<int64_t> values(kMost), before(kMost);
  int64_t wrong = 0;
  for (int64_t phase = 1; phase <= phases; ++phase) {
    team.AskForHelp();
    const int64_t pieces = phase % (kMost + 1);
    before = values;
    team.Run(pieces, [&](int64_t piece, int64_t) {
      values[static_cast<size_t>(piece)] += 1 + before[static_cast<size_t>(pieces - 1 - piece)] % 2;
    });
    for (int64_t i = 0; i < kMost; ++i) {
      const auto at = static_cast<size_t>(i);
      const int64_t more = i < pieces ? 1 + before[static_cast<size_t>(pieces - 1 - i)] % 2 : 0;
      wrong += values[at] == before[at] + more ? 0 : 1;
    }
  }
  return wrong;
}

TEST(WorkTeam, AnOwnerAloneRunsPiecesInOrder) {
  WorkTeam team;
  std::vector<int64_t> ran;
  team.Run(5, [&](int64_t piece, int64_t member) { ran.push_back(10 * piece + member); });
  EXPECT_EQ(ran, (std::vector<int64_t>{0, 10, 20, 30, 40}));
  EXPECT_EQ(team.members(), 1);
  team.AskForHelp();
  EXPECT_EQ(WrongPieces(team, 100), 0);
}

TEST(WorkTeam, RunsEachPieceOnceAndPhasesOneAfterAnother) {
  WorkQueue threads(3, 0);
  WorkTeam team(&threads, 3);
  EXPECT_EQ(WrongPieces(team, 20'000), 0);
}

TEST(WorkTeam, ManyTeamsShareTheThreads) {
  WorkQueue threads(3, 0);
  std::atomic<int64_t> wrong = 0;
  std::vector<std::thread> owners;
  for (int i = 0; i < 4; ++i) {
    owners.emplace_back([&] {
      // Short-lived ones: helpers come late, to a team that has ended.
      for (int team = 0; team < 200; ++team) {
        WorkTeam many(&threads, 2);
        wrong += WrongPieces(many, team % 20);
      }
    });
  }
  for (auto& owner : owners) owner.join();
  EXPECT_EQ(wrong, 0);
}

TEST(WorkTeam, PiecesThatRunTogetherHaveMembersOfTheirOwn) {
  WorkQueue threads(2, 0);
  WorkTeam team(&threads, 2);
  ASSERT_EQ(team.members(), 3);
  const absl::Time end = absl::Now() + kLong;
  std::vector<int64_t> members;
  // Until three pieces have begun before one of them ended.
  for (int64_t met = 0; met < 3 && absl::Now() < end;) {
    std::vector<int64_t> by(3);
    std::atomic<int64_t> began = 0;
    team.AskForHelp();
    team.Run(3, [&](int64_t piece, int64_t member) {
      by[static_cast<size_t>(piece)] = member;
      ++began;
      const absl::Time patience = absl::Now() + absl::Milliseconds(20);
      while (began < 3 && absl::Now() < patience) std::this_thread::yield();
      if (piece == 0) met = began;
    });
    members = by;
  }
  EXPECT_THAT(members, testing::UnorderedElementsAre(0, 1, 2));
}

TEST(WorkTeam, AHelperInAPieceHoldsUpThatPieceAlone) {
  WorkQueue threads(1, 0);
  WorkTeam team(&threads, 1);
  bool helped = false, all_ran = false;
  const absl::Time end = absl::Now() + kLong;
  while (!helped && absl::Now() < end) {
    std::atomic<int64_t> ran = 0;
    absl::Notification others_ran;
    team.AskForHelp();
    team.Run(64, [&](int64_t, int64_t member) {
      if (member == 1 && !helped) {
        helped = true;
        all_ran = others_ran.WaitForNotificationWithTimeout(kLong);
      } else if (++ran == 63) {
        others_ran.Notify();
      }
    });
    EXPECT_EQ(ran, helped ? 63 : 64);
  }
  EXPECT_TRUE(helped);
  EXPECT_TRUE(all_ran);
}

TEST(WorkTeam, AsksNobodyWhileTheThreadsAreBusy) {
  absl::Notification let_go;
  WorkQueue threads(1, 8);
  ASSERT_TRUE(threads.TryPush([&] { let_go.WaitForNotification(); }));
  {
    WorkTeam team(&threads, 1);
    EXPECT_EQ(WrongPieces(team, 100), 0);
  }
  // Had it asked, its work would wait here.
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(threads.TryPush([] {}));
  let_go.Notify();
}

TEST(WorkTeam, AHelperLeavesForOtherWork) {
  WorkQueue threads(1, 1);
  WorkTeam team(&threads, 1);
  absl::Notification helps, waits, ran;
  std::thread other([&] {
    EXPECT_TRUE(helps.WaitForNotificationWithTimeout(kLong));
    EXPECT_TRUE(threads.TryPush([&] { ran.Notify(); }));
    waits.Notify();
  });
  int64_t helped = 0;
  const absl::Time end = absl::Now() + kLong;
  while (!ran.HasBeenNotified() && absl::Now() < end) {
    if (!helps.HasBeenNotified()) team.AskForHelp();
    team.Run(64, [&](int64_t, int64_t member) {
      // Pieces are left, and more phases come, when other work waits.
      if (waits.HasBeenNotified()) return member == 0 ? std::this_thread::yield() : void(++helped);
      if (member == 1) helps.Notify();
      if (helps.HasBeenNotified()) waits.WaitForNotificationWithTimeout(kLong);
    });
  }
  EXPECT_TRUE(ran.HasBeenNotified());
  EXPECT_EQ(helped, 0);
  other.join();
}

}  // namespace
}  // namespace mae
