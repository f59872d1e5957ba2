#include "server/field_status.h"

#include "google/rpc/error_details.pb.h"
#include "server/status_to_grpc.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/grpc_host.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Fields(const absl::Status& status) { return FaultyFields(ToGrpc(status)); }

TEST(WithField, TakesTheFieldFromTheMessage) {
  const auto status = WithField(absl::InvalidArgumentError("images[3]: too blue: by far"));
  EXPECT_THAT(Fields(status), ElementsAre("images[3]"));
  EXPECT_EQ(status.message(), "images[3]: too blue: by far");
}

TEST(WithField, CallsTheFieldAsTheRequestDoes) {
  const auto status =
      WithField(absl::InvalidArgumentError("mask_ratio: 2"), {{"mask_ratio", "random.mask_ratio"}});
  EXPECT_THAT(Fields(status), ElementsAre("random.mask_ratio"));
  EXPECT_EQ(status.message(), "random.mask_ratio: 2");
}

TEST(WithField, KeepsTheIndexBehindANameThatDiffers) {
  const auto status = WithField(absl::InvalidArgumentError("images[3]: too blue"), {{"images", "pixels"}});
  EXPECT_THAT(Fields(status), ElementsAre("pixels[3]"));
}

TEST(WithField, OtherErrorsSpeakOfTheRequestsFieldToo) {
  const auto status =
      WithField(absl::NotFoundError("model: there is no \"cast\""), {{"model", "model_name"}});
  EXPECT_EQ(status, absl::NotFoundError("model_name: there is no \"cast\""));
  EXPECT_THAT(Fields(status), IsEmpty());
  const auto later = WithRetryDelay(absl::ResourceExhaustedError("model: full"), absl::Seconds(7));
  EXPECT_EQ(ToGrpc(WithField(later, {{"model", "name"}})).error_details().empty(), false);
}

TEST(WithField, LeavesOtherStatusesAlone) {
  for (const auto& status :
       {absl::OkStatus(), absl::NotFoundError("model: none"), absl::InvalidArgumentError("no field here"),
        absl::InvalidArgumentError("/some/File.json: not a field")}) {
    EXPECT_EQ(WithField(status), status);
    EXPECT_THAT(Fields(WithField(status)), IsEmpty());
  }
  const auto detailed = InvalidField("a.b", "wrong");
  EXPECT_EQ(WithField(detailed, {{"a.b", "c"}}), detailed);
}

}  // namespace
}  // namespace mae
