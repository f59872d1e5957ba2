#include "client/exit_code.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "client/call_status.h"

namespace mae {
namespace {

ExitCode OfServer(grpc::StatusCode code) {
  return ExitCodeOf(StatusFromCall(grpc::Status(code, "why"), "a:1", absl::Seconds(1), "id"));
}

TEST(ExitCode, OfWhatTheServerAnswers) {
  EXPECT_EQ(OfServer(grpc::StatusCode::INVALID_ARGUMENT), ExitCode::kFailed);
  EXPECT_EQ(OfServer(grpc::StatusCode::FAILED_PRECONDITION), ExitCode::kFailed);
  EXPECT_EQ(OfServer(grpc::StatusCode::RESOURCE_EXHAUSTED), ExitCode::kFailed);
  EXPECT_EQ(OfServer(grpc::StatusCode::NOT_FOUND), ExitCode::kNotFound);
  EXPECT_EQ(OfServer(grpc::StatusCode::UNAVAILABLE), ExitCode::kUnreachable);
  EXPECT_EQ(OfServer(grpc::StatusCode::DEADLINE_EXCEEDED), ExitCode::kUnreachable);
  EXPECT_EQ(OfServer(grpc::StatusCode::UNAUTHENTICATED), ExitCode::kNotAllowed);
  EXPECT_EQ(OfServer(grpc::StatusCode::PERMISSION_DENIED), ExitCode::kNotAllowed);
  EXPECT_EQ(OfServer(grpc::StatusCode::CANCELLED), ExitCode::kFailed);
}

TEST(ExitCode, OfWhatTheProgramFinds) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kDone);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(absl::CancelledError("")), ExitCode::kInterrupted);
  EXPECT_EQ(ExitCodeOf(absl::AbortedError("")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), ExitCode::kFailed);
}

}  // namespace
}  // namespace mae
