#include "serving/finite_answers.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Whatever they are, the answers alone are looked at.
const PredictorInput kPicture = Picture{}, kValues = FloatTensor{};

TEST(CheckFinite, TakesWhatIsFinite) {
  const float largest = std::numeric_limits<float>::max();
  EXPECT_THAT(CheckFinite({kPicture, kValues}, {0, largest, -largest, 1e-40F}), IsOk());
  EXPECT_THAT(CheckFinite({}, absl::Span<const float>()), IsOk());
}

TEST(CheckFinite, OfAPictureTheWeightsAreAtFault) {
  for (const float bad : {kInfinity, -kInfinity, kNan}) {
    EXPECT_THAT(CheckFinite({kValues, kPicture}, {1, 2, 3, bad}),
                StatusIs(StatusCode::kInternal, AllOf(HasSubstr("images[1]"), HasSubstr("weights"))));
    EXPECT_THAT(CheckFinite({kPicture, kPicture}, std::vector<std::vector<float>>{{1, bad}, {bad, 1}}),
                StatusIs(StatusCode::kInternal, HasSubstr("images[0]")));
  }
}

TEST(CheckFinite, OfValuesTheyMayBeTooLarge) {
  EXPECT_THAT(CheckFinite({kPicture, kValues}, {1, 2, kNan, 3}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("images[1]"), HasSubstr("too large"), HasSubstr("weights"))));
}

}  // namespace
}  // namespace mae
