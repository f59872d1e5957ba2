#include "server/precision_check.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(PrecisionCheck, NamesWhatThePrecisionNeeds) {
  EXPECT_THAT(CheckPrecisionRuns("auto", "cpu", false), IsOk());
  EXPECT_THAT(CheckPrecisionRuns("fp32", "cuda:0", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns("bf16", "cuda:0", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns("bf16", "cpu", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns("int8", "cpu", true), IsOk());
  EXPECT_THAT(CheckPrecisionRuns("int8", "cuda:1", true),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("inference.precision: int8 does not run on the GPU cuda:1")));
  for (const char* precision : {"bf16", "int8"}) {
    EXPECT_THAT(CheckPrecisionRuns(precision, "cpu", false),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("AVX-512")));
  }
}

}  // namespace
}  // namespace mae
