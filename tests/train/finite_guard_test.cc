#include "train/finite_guard.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(FiniteGuard, ARunHasDivergedAtTheTenthSkippedStepInARow) {
  FiniteGuard guard{SafetyOptions()};
  for (int i = 1; i < 10; ++i) {
    guard.Skipped();
    ASSERT_FALSE(guard.has_diverged()) << i;
  }
  guard.Skipped();
  EXPECT_TRUE(guard.has_diverged());
}

TEST(FiniteGuard, AStepTakenBeginsTheCountAgain) {
  FiniteGuard guard({2, 3, 0.5});
  guard.Skipped();
  guard.Taken();
  EXPECT_EQ(guard.in_row(), 0);
  guard.Skipped();
  EXPECT_FALSE(guard.has_diverged());
}

TEST(FiniteGuard, ARollbackBeginsTheCountAgain) {
  FiniteGuard guard({1, 3, 0.5});
  guard.Skipped();
  ASSERT_THAT(guard.RollBack("it", 2), IsOk());
  EXPECT_EQ(guard.in_row(), 0);
  EXPECT_FALSE(guard.has_diverged());
}

TEST(FiniteGuard, AfterTheLastRollbackItSaysWhatHappenedAndWhatToDo) {
  FiniteGuard guard({2, 3, 0.5});
  guard.Skipped();
  guard.Skipped();
  EXPECT_THAT(guard.RollBack("loss was not finite", 3),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("loss was not finite, also after 3 rollbacks"),
                             HasSubstr("learning_rate"), HasSubstr("clip_grad_norm"), HasSubstr("fp32"))));
}

TEST(FiniteGuard, WithoutRollbacksTheFirstDivergenceEndsTheJob) {
  FiniteGuard guard({1, 0, 0.5});
  guard.Skipped();
  EXPECT_THAT(guard.RollBack("it", 0), StatusIs(absl::StatusCode::kAborted, Not(HasSubstr("rollbacks"))));
}

}  // namespace
}  // namespace mae
