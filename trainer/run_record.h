#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "job/job_event.h"
#include "job/job_folder.h"
#include "trainer/exit_code.h"

/// What the process that watches over a job's ranks writes into job.db, while none of them lives.
namespace mae {

/// The state that rank 0 recorded last.
absl::StatusOr<JobState> LastState(const JobFolder& folder);

/// Words for people, in the log too.
void TellJob(const JobFolder& folder, const std::string& severity, const std::string& text);

/// The job's end, unless rank 0 has recorded that it failed, or this very end.
/// @return kDone unless it failed, or could not be recorded.
ExitCode EndJob(const JobFolder& folder, JobState state, const absl::Status& error, const std::string& text);
/// As FAILED with a code and words.
ExitCode FailJob(const JobFolder& folder, absl::StatusCode code, const std::string& text);

/// That all ranks begin again. @param what was the matter. @param which RestartOf, of those that are counted.
void TellOfRestart(const JobFolder& folder, const std::string& what, const std::string& which = "");
std::string RestartOf(int64_t restart, int64_t most);

}  // namespace mae
