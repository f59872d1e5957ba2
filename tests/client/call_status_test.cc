#include "client/call_status.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr absl::Duration kTimeout = absl::Seconds(30);

absl::Status FromServer(const grpc::Status& status) {
  return StatusFromCall(status, "gpu1:8500", kTimeout, "run-7");
}

TEST(CallStatus, KeepsCodeAndMessageAndSaysThatTheServerSpoke) {
  const absl::Status status = FromServer({grpc::StatusCode::FAILED_PRECONDITION, "the job has ended"});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "the job has ended"));
  EXPECT_TRUE(IsFromServer(status));
  EXPECT_FALSE(IsFromServer(absl::InvalidArgumentError("typed wrong")));
  EXPECT_THAT(FromServer(grpc::Status::OK), IsOk());
}

TEST(CallStatus, ViolationsAreOneALineBelowTheMessage) {
  const absl::Status status = FromServer(Violations({{"data.batch_size", "0 is below 1"}, {"seed", "odd"}}));
  EXPECT_EQ(DescribeFailure(status), "the request is wrong\ndata.batch_size: 0 is below 1\nseed: odd");
}

TEST(CallStatus, AViolationThatTheMessageHasAlreadyIsNotRepeated) {
  const absl::Status status =
      FromServer(Violations({{"spec.finetune.from_model", "there is no \"grey\""}, {"seed", "odd"}},
                            "model: there is no \"grey\" (did you mean 'gray'?)"));
  EXPECT_EQ(DescribeFailure(status), "model: there is no \"grey\" (did you mean 'gray'?)\nseed: odd");
}

TEST(CallStatus, FieldsWithAnOptionAreNamedByIt) {
  const absl::Status status = FromServer(Violations({{"random.mask_ratio", "is 2"}, {"seed", "odd"}},
                                                    "random.mask_ratio: is 2\nother.mask_ratio: is 3"));
  const absl::Status named = NameOptions(status, {{"random.mask_ratio", "--mask-ratio"}});
  EXPECT_EQ(DescribeFailure(named), "--mask-ratio: is 2\nother.mask_ratio: is 3\nseed: odd");
  EXPECT_EQ(named.code(), status.code());
  EXPECT_EQ(NameOptions(absl::NotFoundError("a: b"), {{"a", "--a"}}), absl::NotFoundError("a: b"));
}

TEST(CallStatus, SaysWhenToTryAgain) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(500000000);
  google::rpc::Status details;
  details.add_details()->PackFrom(retry);
  const absl::Status status =
      FromServer({grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full", details.SerializeAsString()});
  EXPECT_EQ(DescribeFailure(status), "the queue is full\ntry again in 500ms");
}

TEST(CallStatus, NoServerNamesTheAddressAndWhatToDo) {
  const absl::Status status = FromServer(
      {grpc::StatusCode::UNAVAILABLE,
       "failed to connect to all addresses; last error: UNKNOWN: ipv4:1.2.3.4:8500: Connection refused"});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("mae_server --listen gpu1:8500")));
  EXPECT_THAT(DescribeFailure(status), HasSubstr("(Connection refused)"));
  const absl::Status draining = FromServer({grpc::StatusCode::UNAVAILABLE, "the server is draining"});
  EXPECT_THAT(DescribeFailure(draining), HasSubstr("draining"));
  EXPECT_THAT(DescribeFailure(draining), Not(HasSubstr("mae_server --listen")));
}

TEST(CallStatus, WhoWasReachedButNotOverTlsIsNotToBeStarted) {
  const auto told = [](const std::string& reason) {
    return DescribeFailure(FromServer({grpc::StatusCode::UNAVAILABLE,
                                       "failed to connect to all addresses; last error: UNKNOWN: "
                                       "ipv4:1.2.3.4:8500: " +
                                           reason}));
  };
  const auto reached = [](const std::string& words) {
    return AllOf(HasSubstr("gpu1:8500 was reached, but "), HasSubstr(words), Not(HasSubstr("mae_server")));
  };
  const std::string failed = "Ssl handshake failed: SSL_ERROR_SSL: error:";
  EXPECT_THAT(told(failed + "0A000086:SSL routines::certificate verify failed"),
              AllOf(reached("not trusted"), HasSubstr("--ca-file FILE")));
  EXPECT_THAT(told("Peer name gpu1 is not in peer certificate"), reached("for other names"));
  EXPECT_THAT(told(failed + "0A00010B:SSL routines::wrong version number"), reached("does not speak TLS"));
  EXPECT_THAT(told(failed + "0A000410:SSL routines::sslv3 alert handshake failure"), reached("--cert-file"));
  for (const char* reason : {"Socket closed", "recvmsg:Connection reset by peer"})
    EXPECT_THAT(told(reason), AllOf(reached("if it uses TLS"), HasSubstr("--ca-file FILE")));
}

TEST(CallStatus, AFaultOfTheServersSaysWhereItsLogTellsMore) {
  const absl::Status status = FromServer({grpc::StatusCode::INTERNAL, "it broke"});
  EXPECT_EQ(DescribeFailure(status), "it broke\nthe log of gpu1:8500 has this call as request_id run-7");
  EXPECT_EQ(DescribeFailure(FromServer({grpc::StatusCode::NOT_FOUND, "no such job"})), "no such job");
}

TEST(CallStatus, WhoIsNotLetInLearnsHowToShowWhoTheyAre) {
  const absl::Status unknown = FromServer({grpc::StatusCode::UNAUTHENTICATED, "no valid token"});
  EXPECT_THAT(DescribeFailure(unknown), AllOf(HasSubstr("gpu1:8500 refused"), HasSubstr("--token-file FILE"),
                                              HasSubstr("--cert-file")));
  const absl::Status lacking =
      FromServer({grpc::StatusCode::PERMISSION_DENIED, "x needs the role admin; ann has viewer"});
  EXPECT_THAT(DescribeFailure(lacking),
              AllOf(HasSubstr("needs the role admin"), HasSubstr("who runs gpu1:8500")));
  const absl::Status disk = FromServer({grpc::StatusCode::PERMISSION_DENIED, "cannot write /data"});
  EXPECT_EQ(DescribeFailure(disk), "cannot write /data") << "of its files, not of the caller";
}

TEST(CallStatus, DeadlineNamesTheTimeAllowed) {
  const absl::Status status = FromServer({grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded"});
  EXPECT_THAT(DescribeFailure(status), HasSubstr("within 30s: allow more with --timeout"));
}

TEST(CallStatus, ImagesAreNamedByTheirFiles) {
  const absl::Status status = FromServer(Violations(
      {{"images[1]", "not a picture"}, {"images[7]", "far"}, {"images[1].raw", "?"}, {"model", "new"}},
      "images[1]: not a picture"));
  EXPECT_EQ(DescribeFailure(NameImages(status, {"a.png", "b.png"})),
            "b.png: not a picture\nimages[7]: far\nb.png: ?\nmodel: new");
  EXPECT_EQ(NameImages(absl::NotFoundError("x"), {"a"}), absl::NotFoundError("x"));
}

}  // namespace
}  // namespace mae
