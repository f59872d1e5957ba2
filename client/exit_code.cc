#include "client/exit_code.h"

#include "client/call_status.h"

namespace mae {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kDone;
    case absl::StatusCode::kInvalidArgument:
      return IsFromServer(status) ? ExitCode::kFailed : ExitCode::kUsage;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kNotAllowed;
    case absl::StatusCode::kCancelled:
      return IsFromServer(status) ? ExitCode::kFailed : ExitCode::kInterrupted;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace mae
