#include "server/status_to_grpc.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

template <typename Detail>
std::vector<Detail> DetailsOf(const grpc::Status& status) {
  google::rpc::Status message;
  EXPECT_TRUE(message.ParseFromString(status.error_details()));
  std::vector<Detail> found;
  for (const auto& any : message.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) found.push_back(std::move(detail));
  }
  return found;
}

TEST(StatusToGrpc, OkStaysOkAndCodesStayTheirNumbers) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  const grpc::Status status = ToGrpc(absl::NotFoundError("no such job"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no such job");
  EXPECT_EQ(status.error_details(), "") << "no details, nothing on the wire";
}

TEST(StatusToGrpc, AFieldViolationTravelsWithCodeAndMessage) {
  const grpc::Status status = ToGrpc(InvalidField("page_size", "is -1; give 0 or more"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "page_size: is -1; give 0 or more");
  google::rpc::Status message;
  ASSERT_TRUE(message.ParseFromString(status.error_details()));
  EXPECT_EQ(message.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(message.message(), status.error_message());
  const auto details = DetailsOf<google::rpc::BadRequest>(status);
  ASSERT_EQ(details.size(), 1u);
  ASSERT_EQ(details[0].field_violations_size(), 1);
  EXPECT_EQ(details[0].field_violations(0).field(), "page_size");
  EXPECT_EQ(details[0].field_violations(0).description(), "is -1; give 0 or more");
}

TEST(StatusToGrpc, LaterViolationsJoinEarlierOnes) {
  const absl::Status status = WithFieldViolations(InvalidField("a", "1"), {{"b", "2"}, {"c", "3"}});
  const auto details = DetailsOf<google::rpc::BadRequest>(ToGrpc(status));
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details[0].field_violations_size(), 3);
}

TEST(StatusToGrpc, ARetryDelayKeepsItsFraction) {
  const auto details = DetailsOf<google::rpc::RetryInfo>(
      ToGrpc(WithRetryDelay(absl::ResourceExhaustedError("full"), absl::Milliseconds(2500))));
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details[0].retry_delay().seconds(), 2);
  EXPECT_EQ(details[0].retry_delay().nanos(), 500'000'000);
}

TEST(StatusToGrpc, DifferentDetailsStandSideBySide) {
  const grpc::Status status = ToGrpc(WithRetryDelay(InvalidField("a", "b"), absl::Seconds(1)));
  EXPECT_EQ(DetailsOf<google::rpc::BadRequest>(status).size(), 1u);
  EXPECT_EQ(DetailsOf<google::rpc::RetryInfo>(status).size(), 1u);
}

TEST(StatusToGrpc, WhateverItSaysFitsIntoTheTrailersOfACall) {
  absl::Status status = InvalidField("field", std::string(100'000, 'x'));
  for (int i = 0; i < 100; ++i) status = WithFieldViolations(status, {{"field", "is one of too many"}});
  const grpc::Status grpc = ToGrpc(status);
  EXPECT_LT(grpc.error_message().size() + grpc.error_details().size() * 4 / 3, 7'500U);
  const auto details = DetailsOf<google::rpc::BadRequest>(grpc);
  ASSERT_EQ(details.size(), 1u);
  EXPECT_GT(details[0].field_violations_size(), 1);
}

TEST(StatusToGrpc, BytesThatAreNoTextAreReplaced) {
  const grpc::Status status = ToGrpc(InvalidField("name", "'\xff' … é"));
  EXPECT_EQ(status.error_message(), "name: '\xef\xbf\xbd' … é");
  const auto details = DetailsOf<google::rpc::BadRequest>(status);
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details[0].field_violations(0).description(), "'\xef\xbf\xbd' … é");
}

TEST(StatusToGrpc, PayloadsOfOtherKindsStayInside) {
  absl::Status status = absl::InternalError("broke");
  status.SetPayload("mae/secret", absl::Cord("path of a key"));
  EXPECT_EQ(ToGrpc(status).error_details(), "");
  EXPECT_EQ(ToRpcStatus(status).details_size(), 0);
}

}  // namespace
}  // namespace mae
