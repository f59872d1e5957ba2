#pragma once

#include "absl/status/status.h"

namespace mae {

/// What mae_client's exit status says; scripts rely on the numbers.
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,        ///< the job failed, the server refused the request, or an input can't be used
  kUsage = 2,         ///< the command line or a recipe is wrong; nothing was sent
  kNotFound = 3,      ///< a job, model, dataset or file is not there
  kUnreachable = 4,   ///< no server, or no answer within the deadline
  kNotAllowed = 5,    ///< the server wants another token, or a file may not be read
  kInterrupted = 130  ///< Ctrl-C; a job goes on
};

/// The exit code of a status, by its code and by where it comes from: INVALID_ARGUMENT is kUsage when this
/// program found it and kFailed when the server did (client/call_status.h). Pure.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace mae
