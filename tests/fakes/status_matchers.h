#pragma once

#include <gmock/gmock.h>

#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

/// GoogleMock matchers for absl::Status and absl::StatusOr, which Debian's abseil does not have. They print
/// the status when they fail:
///
///   ASSERT_THAT(Open(path), IsOk());
///   EXPECT_THAT(Open("/nowhere"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere")));
///   EXPECT_THAT(Count(), IsOkAndHolds(Gt(3)));
namespace mae {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

/// Matches an OK Status or StatusOr.
MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "whose status is " << status;
  return status.ok();
}

/// Matches a status of this code; `code` is a value or a matcher.
MATCHER_P(StatusIs, code,
          "has a status code that " + testing::DescribeMatcher<absl::StatusCode>(code, negation)) {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "whose status is " << status;
  return testing::Matches(testing::SafeMatcherCast<absl::StatusCode>(code))(status.code());
}

/// Matches a status of this code and message; each is a value or a matcher.
MATCHER_P2(StatusIs, code, message,
           "has a status code that " + testing::DescribeMatcher<absl::StatusCode>(code, negation) +
               (negation ? " or" : " and") + " a message that " +
               testing::DescribeMatcher<std::string>(message, negation)) {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "whose status is " << status;
  return testing::Matches(testing::SafeMatcherCast<absl::StatusCode>(code))(status.code()) &&
         testing::Matches(testing::SafeMatcherCast<std::string>(message))(std::string(status.message()));
}

/// Matches an OK StatusOr whose value matches `matcher` (a value or a matcher).
MATCHER_P(IsOkAndHolds, matcher, std::string(negation ? "isn't" : "is") + " OK with the wanted value") {
  if (!arg.ok()) {
    *result_listener << "whose status is " << arg.status();
    return false;
  }
  using Value = typename std::decay_t<arg_type>::value_type;
  return testing::SafeMatcherCast<const Value&>(matcher).MatchAndExplain(*arg, result_listener);
}

}  // namespace mae
