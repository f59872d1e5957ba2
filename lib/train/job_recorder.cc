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
  return db_->Append(StateEvent{state, error}).status();
}

absl::Status JobRecorder::ResumeAt(const CheckpointEvent& start) {
  if (tensorboard_ != nullptr) Mirror(tensorboard_->ResumeAt(start.step));
  return db_ == nullptr ? absl::OkStatus() : db_->RewindTo(start);
}

void JobRecorder::Distribution(int64_t step, const std::string& tag, const Histogram& histogram) {
  if (tensorboard_ != nullptr) Mirror(tensorboard_->Write(step, tag, histogram));
}

void JobRecorder::Say(const LogEvent& event) {
  words_(event);
  Append(event);
}

void JobRecorder::Append(const decltype(JobEvent::event)& event) {
  const auto recorded = db_ == nullptr ? absl::OkStatus() : db_->Append(event).status();
  if (!recorded.ok()) words_({"error", absl::StrCat("an event was not recorded: ", recorded.ToString())});
  if (tensorboard_ != nullptr) Mirror(tensorboard_->Write(event));
}

void JobRecorder::Mirror(const absl::Status& status) {
  if (status.ok()) return;
  tensorboard_ = nullptr;
  Warning(absl::StrCat("no more TensorBoard files in this run: ", status.ToString()));
}

}  // namespace mae
