#include "train/job_recorder.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace mae {

JobRecorder::JobRecorder(JobDbWriter& db, Words words) : db_(db), words_(std::move(words)) {}

absl::Status JobRecorder::State(JobState state, const absl::Status& error) {
  if (state == JobState::kFailed) {
    words_({"error", std::string(JobStateName(state)) + ": " + error.ToString()});
  } else {
    words_({"info", std::string(JobStateName(state))});
  }
  return db_.Append(StateEvent{state, error}).status();
}

absl::Status JobRecorder::ResumeAt(int64_t step) { return db_.TruncateMetricsAfter(step); }

void JobRecorder::Say(const LogEvent& event) {
  words_(event);
  Append(event);
}

void JobRecorder::Append(const decltype(JobEvent::event)& event) {
  const auto sequence = db_.Append(event);
  if (!sequence.ok())
    words_({"error", absl::StrCat("an event was not recorded: ", sequence.status().ToString())});
}

}  // namespace mae
