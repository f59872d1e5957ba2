#include "trainer/run_record.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "job/job_db.h"

namespace mae {
namespace {

absl::Status AppendTo(const JobFolder& folder, const decltype(JobEvent::event)& event) {
  MAE_ASSIGN_OR_RETURN(const auto db, JobDbWriter::Open(folder.database()));
  return db->Append(event).status();
}

void SayUnrecorded(const absl::Status& status) {
  if (!status.ok()) spdlog::error("an event was not recorded: {}", status.ToString());
}

}  // namespace

absl::StatusOr<JobState> LastState(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(const auto reader, JobDbReader::Open(folder.database()));
  MAE_ASSIGN_OR_RETURN(const JobSummary summary, reader->Summary());
  return summary.state.value_or(StateEvent{}).state;
}

void TellJob(const JobFolder& folder, const std::string& severity, const std::string& text) {
  spdlog::log(spdlog::level::from_str(severity), "{}", text);
  SayUnrecorded(AppendTo(folder, LogEvent{severity, text}));
}

ExitCode EndJob(const JobFolder& folder, JobState state, const absl::Status& error, const std::string& text) {
  const auto last = LastState(folder);
  if (last.ok() && *last == JobState::kFailed) return kFailed;
  if (last.ok() && *last == state) return kDone;
  TellJob(folder, error.ok() ? "warning" : "error", text);
  const absl::Status recorded = AppendTo(folder, StateEvent{state, error});
  SayUnrecorded(recorded);
  return recorded.ok() && error.ok() ? kDone : kFailed;
}

ExitCode FailJob(const JobFolder& folder, absl::StatusCode code, const std::string& text) {
  return EndJob(folder, JobState::kFailed, absl::Status(code, text), text);
}

void TellOfRestart(const JobFolder& folder, const std::string& what, const std::string& which) {
  const std::string text = absl::StrCat(what, ": all processes begin again from the last checkpoint", which);
  spdlog::warn("{}", text);
  SayUnrecorded(AppendTo(folder, RestartEvent{text}));
}

std::string RestartOf(int64_t restart, int64_t most) {
  return absl::StrCat(", restart ", restart, " of ", most);
}

}  // namespace mae
