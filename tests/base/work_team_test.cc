#include "base/work_team.h"

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

// Phases until a helper is in a piece, where it stays until it is let go. @return whether one came.
bool RunUntilHelped(WorkTeam& team, absl::Notification& helps, absl::Notification& let_go) {
  const absl::Time end = absl::Now() + kLong;
  std::atomic<bool> first = true;
  while (!helps.HasBeenNotified() && absl::Now() < end) {
    team.AskForHelp();
    team.Run(64, [&](int64_t, int64_t member) {
      if (member == 0 || !first.exchange(false)) return;
      helps.Notify();
      let_go.WaitForNotification();
    });
  }
  return helps.HasBeenNotified();
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

TEST(WorkTeam, NoTwoPiecesRunAtATimeWithOneMember) {
  WorkQueue threads(3, 0);
  WorkTeam team(&threads, 3);
  std::vector<std::atomic<bool>> busy(static_cast<size_t>(team.members()));
  std::atomic<int64_t> clashes = 0;
  for (int phase = 0; phase < 20'000; ++phase) {
    team.AskForHelp();
    team.Run(16, [&](int64_t, int64_t member) {
      auto& mine = busy[static_cast<size_t>(member)];
      if (mine.exchange(true)) ++clashes;
      mine = false;
    });
  }
  EXPECT_EQ(clashes, 0);
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
  absl::Notification helps, let_go, other_ran;
  WorkQueue threads(1, 1);
  WorkTeam team(&threads, 1);
  std::thread other([&] {
    helps.WaitForNotificationWithTimeout(kLong);
    EXPECT_TRUE(threads.TryPush([&] { other_ran.Notify(); }));
    let_go.Notify();
  });
  EXPECT_TRUE(RunUntilHelped(team, helps, let_go));
  other.join();
  // Its help would be wanted all the while.
  const absl::Time end = absl::Now() + kLong;
  while (!other_ran.HasBeenNotified() && absl::Now() < end) team.Run(64, [](int64_t, int64_t) {});
  EXPECT_TRUE(other_ran.HasBeenNotified());
}

}  // namespace
}  // namespace mae
