#include "train/finite_guard.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(FiniteGuard, EndsTheJobAtTheTenthSkippedStepInARow) {
  FiniteGuard guard;
  for (int i = 1; i < 10; ++i) ASSERT_THAT(guard.Skipped(i), IsOk()) << i;
  EXPECT_THAT(guard.Skipped(10), StatusIs(absl::StatusCode::kAborted,
                                          AllOf(HasSubstr("learning_rate"), HasSubstr("clip_grad_norm"),
                                                HasSubstr("fp32"), HasSubstr("step 10"))));
}

TEST(FiniteGuard, AStepTakenBeginsTheCountAgain) {
  FiniteGuard guard;
  for (int i = 0; i < 9; ++i) ASSERT_THAT(guard.Skipped(i), IsOk());
  guard.Taken();
  EXPECT_EQ(guard.in_row(), 0);
  for (int i = 0; i < 9; ++i) ASSERT_THAT(guard.Skipped(i), IsOk());
}

}  // namespace
}  // namespace mae
