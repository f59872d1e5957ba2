#include "train/job_recorder.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace mae {

JobRecorder::JobRecorder(JobDbWriter& db, Words words, TensorboardWriter* tensorboard)
    : db_(&db), words_(std::move(words)), tensorboard_(tensorboard) {}

JobRecorder::JobRecorder(Words words) : db_(nullptr), words_(std::move(words)), tensorboard_(nullptr) {}

absl::Status JobRecorder::State(JobState state, const absl::Status& error) {
  if (state == JobState::kFailed) {
    words_({"error", std::string(JobStateName(state)) + ": " + error.ToString()});
  } else {
    words_({"info", std::string(JobStateName(state))});
  }
  if (tensorboard_ != nullptr) Mirror(tensorboard_->Write(StateEvent{state, error}));
  if (db_ == nullptr) return absl::OkStatus();
  WriteWaiting().IgnoreError();  // Said when it was told; a state does not wait for it.
  return db_->Append(StateEvent{state, error}).status();
}

absl::Status JobRecorder::ResumeAt(const CheckpointEvent& start) {
  if (tensorboard_ != nullptr) Mirror(tensorboard_->ResumeAt(start.step));
  if (db_ == nullptr) return absl::OkStatus();
  // What waits may lie beyond the checkpoint as well.
  if (const absl::Status earlier = WriteWaiting(); !earlier.ok()) return earlier;
  return db_->RewindTo(start);
}

void JobRecorder::Distribution(int64_t step, const std::string& tag, const Histogram& histogram) {
  if (tensorboard_ != nullptr) Mirror(tensorboard_->Write(step, tag, histogram));
}

void JobRecorder::Say(const LogEvent& event) {
  words_(event);
  Append(event);
}

void JobRecorder::Append(const decltype(JobEvent::event)& event) {
  if (db_ != nullptr) unwritten_.push_back(event);
  const absl::Status recorded = WriteWaiting();
  if (!recorded.ok()) words_({"error", absl::StrCat("an event is not recorded yet: ", recorded.ToString())});
  if (unwritten_.size() > kMostUnwritten) unwritten_.pop_front();
  if (tensorboard_ != nullptr) Mirror(tensorboard_->Write(event));
}

absl::Status JobRecorder::WriteWaiting() {
  for (; !unwritten_.empty(); unwritten_.pop_front()) {
    const absl::Status written = db_->Append(unwritten_.front()).status();
    if (written.ok()) continue;
    // What it is the database will not take, now or later.
    if (!absl::IsInvalidArgument(written) && !absl::IsAlreadyExists(written)) return written;
    words_({"error", absl::StrCat("an event was not recorded: ", written.ToString())});
  }
  return absl::OkStatus();
}

void JobRecorder::Mirror(const absl::Status& status) {
  if (status.ok()) return;
  tensorboard_ = nullptr;
  Warning(absl::StrCat("no more TensorBoard files in this run: ", status.ToString()));
}

}  // namespace mae
