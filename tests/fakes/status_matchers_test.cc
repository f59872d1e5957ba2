#include "tests/fakes/status_matchers.h"

#include <gtest/gtest.h>

#include <memory>

namespace mae {
namespace {

using absl::StatusCode;
using testing::_;
using testing::AnyOf;
using testing::Gt;
using testing::HasSubstr;
using testing::Not;
using testing::Pointee;

template <typename M, typename T>
std::string Explanation(const M& matcher, const T& value) {
  testing::StringMatchResultListener listener;
  testing::ExplainMatchResult(matcher, value, &listener);
  return listener.str();
}

TEST(StatusMatchers, IsOkTakesStatusAndStatusOr) {
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(absl::StatusOr<int>(3), IsOk());
  EXPECT_THAT(absl::InternalError("x"), Not(IsOk()));
  EXPECT_THAT(absl::StatusOr<int>(absl::InternalError("x")), Not(IsOk()));
}

TEST(StatusMatchers, StatusIsComparesCodeAndMessage) {
  const absl::StatusOr<int> result = absl::NotFoundError("no such job");
  EXPECT_THAT(result, StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(result, StatusIs(AnyOf(StatusCode::kInternal, StatusCode::kNotFound)));
  EXPECT_THAT(result, StatusIs(StatusCode::kNotFound, "no such job"));
  EXPECT_THAT(result, StatusIs(_, HasSubstr("job")));
  EXPECT_THAT(result, Not(StatusIs(StatusCode::kInternal)));
  EXPECT_THAT(result, Not(StatusIs(StatusCode::kInternal, _)));
  EXPECT_THAT(result, Not(StatusIs(StatusCode::kNotFound, HasSubstr("model"))));
}

TEST(StatusMatchers, IsOkAndHoldsLooksAtTheValueAlsoIfItCannotBeCopied) {
  EXPECT_THAT(absl::StatusOr<int>(3), IsOkAndHolds(3));
  EXPECT_THAT(absl::StatusOr<int>(3), Not(IsOkAndHolds(Gt(3))));
  EXPECT_THAT(absl::StatusOr<int>(absl::InternalError("x")), Not(IsOkAndHolds(_)));
  EXPECT_THAT(absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(4)), IsOkAndHolds(Pointee(4)));
}

TEST(StatusMatchers, AFailureShowsTheStatus) {
  const absl::Status status = absl::DataLossError("bad page");
  EXPECT_THAT(Explanation(IsOk(), status), HasSubstr("bad page"));
  EXPECT_THAT(Explanation(StatusIs(StatusCode::kNotFound), status), HasSubstr("bad page"));
  EXPECT_THAT(Explanation(IsOkAndHolds(1), absl::StatusOr<int>(status)), HasSubstr("bad page"));
}

}  // namespace
}  // namespace mae
