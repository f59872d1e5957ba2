#include "base/catch_all.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <stdexcept>

#include "absl/status/statusor.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(CatchAll, ResultsPassThrough) {
  EXPECT_THAT(CatchAll("x", [] { return absl::OkStatus(); }), IsOk());
  EXPECT_THAT(CatchAll("x", [] { return absl::StatusOr<int>(4); }), IsOkAndHolds(4));
  EXPECT_EQ(CatchAll("x", [] { return absl::NotFoundError("gone"); }), absl::NotFoundError("gone"));
  const auto owner =
      CatchAll("x", []() -> absl::StatusOr<std::unique_ptr<int>> { return std::make_unique<int>(5); });
  EXPECT_EQ(**owner, 5);
}

TEST(CatchAll, WhatIsThrownIsAnErrorThatNamesTheOperation) {
  const auto thrown = [](auto what) { return CatchAll("the call", [&]() -> absl::Status { throw what; }); };
  EXPECT_THAT(thrown(std::bad_alloc()),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("the call: out of")));
  EXPECT_EQ(thrown(std::runtime_error("odd")), absl::InternalError("the call: odd"));
  EXPECT_THAT(thrown(7), StatusIs(StatusCode::kInternal, HasSubstr("the call: ")));
  const auto of_value = CatchAll("it", []() -> absl::StatusOr<int> { throw std::runtime_error("odd"); });
  EXPECT_EQ(of_value.status(), absl::InternalError("it: odd"));
}

}  // namespace
}  // namespace mae
