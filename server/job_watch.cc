#include "server/job_watch.h"

#include <utility>

#include "server/status_to_grpc.h"

namespace mae {

std::shared_ptr<JobWatch> JobWatch::Create(std::function<void()> on_hungry) {
  std::shared_ptr<JobWatch> watch(new JobWatch(std::move(on_hungry)));
  watch->self_ = watch;
  return watch;
}

bool JobWatch::Hungry() const {
  absl::MutexLock lock(&mutex_);
  return !ending_ && !in_flight_ && waiting_.empty();
}

void JobWatch::Send(std::vector<v1::JobEvent> events) {
  Action action;
  {
    absl::MutexLock lock(&mutex_);
    if (ending_) return;
    for (v1::JobEvent& event : events) waiting_.push_back(std::move(event));
    action = NextAction();
  }
  Act(action);
}

void JobWatch::End(const absl::Status& status) {
  Action action;
  {
    absl::MutexLock lock(&mutex_);
    if (ending_) return;
    ending_ = true;
    end_status_ = status;
    action = NextAction();
  }
  Act(action);
}

void JobWatch::OnWriteDone(bool ok) {
  Action action;
  bool hungry;
  {
    absl::MutexLock lock(&mutex_);
    in_flight_ = false;
    if (!ok) {
      waiting_.clear();
      if (!ending_) end_status_ = absl::CancelledError("the stream broke");
      ending_ = true;
    }
    action = NextAction();
    hungry = action == Action::kNone && !ending_;
  }
  Act(action);
  if (hungry) on_hungry_();
}

void JobWatch::OnCancel() {
  Action action;
  {
    absl::MutexLock lock(&mutex_);
    waiting_.clear();
    if (!ending_) end_status_ = absl::CancelledError("the caller has gone");
    ending_ = true;
    action = NextAction();
  }
  Act(action);
}

void JobWatch::OnDone() {
  // Destroys this object, unless its feeder looks at it right now.
  const std::shared_ptr<JobWatch> last = std::move(self_);
}

JobWatch::Action JobWatch::NextAction() {
  if (in_flight_ || finished_) return Action::kNone;
  if (!waiting_.empty()) {
    writing_ = std::move(waiting_.front());
    waiting_.pop_front();
    in_flight_ = true;
    return Action::kWrite;
  }
  if (!ending_) return Action::kNone;
  finished_ = true;
  final_status_ = ToGrpc(end_status_);
  return Action::kFinish;
}

void JobWatch::Act(Action action) {
  if (action == Action::kWrite) StartWrite(&writing_);
  if (action == Action::kFinish) Finish(final_status_);
}

}  // namespace mae
