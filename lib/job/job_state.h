#pragma once

#include <string_view>

#include "absl/status/statusor.h"

namespace mae {

/// The life of a job: QUEUED -> STARTING -> RUNNING -> (STOPPING ->) STOPPED, SUCCEEDED or FAILED.
enum class JobState { kQueued, kStarting, kRunning, kStopping, kStopped, kSucceeded, kFailed };

/// "QUEUED", …: the spelling of the databases and of the API.
std::string_view JobStateName(JobState state);
/// INVALID_ARGUMENT for another spelling.
absl::StatusOr<JobState> JobStateFromName(std::string_view name);

/// STOPPED, SUCCEEDED and FAILED.
bool IsEnded(JobState state);

}  // namespace mae
