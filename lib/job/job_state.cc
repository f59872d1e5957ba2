#include "job/job_state.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

// In the order of JobState.
constexpr std::array<std::string_view, 7> kNames = {"QUEUED",  "STARTING",  "RUNNING", "STOPPING",
                                                    "STOPPED", "SUCCEEDED", "FAILED"};

}  // namespace

std::string_view JobStateName(JobState state) { return kNames.at(static_cast<size_t>(state)); }

absl::StatusOr<JobState> JobStateFromName(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames.at(i) == name) return static_cast<JobState>(i);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(name), "' is not a job state; one of QUEUED, ",
                   "STARTING, RUNNING, STOPPING, STOPPED, SUCCEEDED, FAILED is"));
}

bool IsEnded(JobState state) {
  return state == JobState::kStopped || state == JobState::kSucceeded || state == JobState::kFailed;
}

}  // namespace mae
