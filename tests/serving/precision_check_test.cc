#include "serving/precision_check.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(PrecisionCheck, NamesWhatThePrecisionNeeds) {
  EXPECT_THAT(CheckPrecisionRuns(InferencePrecision::kAuto, "cpu", false), IsOk());
  EXPECT_THAT(CheckPrecisionRuns(InferencePrecision::kFp32, "cuda:0", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns(InferencePrecision::kBf16, "cuda:0", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns(InferencePrecision::kBf16, "cpu", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns(InferencePrecision::kInt8, "cpu", true), IsOk());
  EXPECT_THAT(
      CheckPrecisionRuns(InferencePrecision::kInt8, "cuda:1", true),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("precision: int8 does not run on the GPU cuda:1")));
  for (const InferencePrecision precision : {InferencePrecision::kBf16, InferencePrecision::kInt8}) {
    EXPECT_THAT(CheckPrecisionRuns(precision, "cpu", false),
                StatusIs(StatusCode::kFailedPrecondition, HasSubstr("AVX-512")));
  }
}

}  // namespace
}  // namespace mae
