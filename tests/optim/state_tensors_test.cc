#include "optim/state_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(CopyState, FillsByNameAndIgnoresTheRest) {
  const NamedParameters to = {{"a", torch::zeros({2})}, {"b", torch::zeros({})}};
  ASSERT_THAT(
      CopyState("state", {{"b", torch::ones({})}, {"c", torch::ones({9})}, {"a", torch::ones({2})}}, to),
      IsOk());
  EXPECT_TRUE(torch::equal(to[0].second, torch::ones({2})));
  EXPECT_EQ(to[1].second.item<float>(), 1.0F);
}

TEST(CopyState, NamesEveryFaultAndChangesNothing) {
  const NamedParameters to = {{"a", torch::zeros({2})}, {"b", torch::zeros({})}, {"c", torch::zeros({1})}};
  EXPECT_THAT(CopyState("the state", {{"a", torch::ones({2})}, {"b", torch::ones({3})}}, to),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("the state does not fit"), HasSubstr("b has shape [3], not []"),
                             HasSubstr("c is missing"), Not(HasSubstr("a ")))));
  EXPECT_EQ(to[0].second.sum().item<float>(), 0.0F);
}

}  // namespace
}  // namespace mae
