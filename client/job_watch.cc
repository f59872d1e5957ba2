#include "client/job_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/readable.h"
#include "mae/v1/job.grpc.pb.h"

namespace mae {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Seconds(3);

/// What a server that dies, drains or restarts looks like from here.
bool IsLoss(const absl::Status& status) {
  return absl::IsUnavailable(status) || (absl::IsCancelled(status) && IsFromServer(status));
}

}  // namespace

absl::Status JobWatch::Run(JobView& view) {
  while (true) {
    absl::Status status = ReadStream(view);
    if (interrupt_.interrupted()) return absl::CancelledError("detached");
    if (status.ok()) status = CheckEnd();
    if (status.ok()) return status;
    if (!IsLoss(status) || !connected_before_) return status;
    MAE_RETURN_IF_ERROR(WaitToRetry(status, view));
  }
}

absl::Status JobWatch::ReadStream(JobView& view) {
  grpc::ClientContext context;
  connection_.Authorize(context);
  v1::WatchJobRequest request;
  request.set_name(job_);
  request.set_after_sequence(sequence_);
  const auto stub = v1::JobService::NewStub(connection_.channel());
  interrupt_.OnSignal([&context] { context.TryCancel(); });
  const auto reader = stub->WatchJob(&context, request);
  v1::JobEvent event;
  while (reader->Read(&event)) Take(event, view);
  const grpc::Status status = reader->Finish();
  interrupt_.OnSignal(nullptr);
  return connection_.Failure(status);
}

void JobWatch::Take(const v1::JobEvent& event, JobView& view) {
  if (lost_since_ != absl::InfiniteFuture())
    view.Notice(absl::StrCat("connected to ", connection_.address(), " again"));
  connected_before_ = true;
  lost_since_ = absl::InfiniteFuture();
  pause_ = kFirstPause;
  if (event.sequence() <= sequence_) return;
  sequence_ = event.sequence();
  progress_.Add(event, absl::Now());
  view.Show(event);
  if (progress_.state() == v1::Job::QUEUED && event.has_state()) SayWhyItWaits(view);
}

void JobWatch::SayWhyItWaits(JobView& view) {
  const absl::StatusOr<v1::Job> job = Get();
  // No answer is no loss here: the stream tells of a server that is gone.
  if (!job.ok() || job->state() != v1::Job::QUEUED || job->pending_reason().empty()) return;
  view.Notice(job->pending_reason());
}

absl::StatusOr<v1::Job> JobWatch::Get() const {
  v1::GetJobRequest request;
  request.set_name(job_);
  return connection_.Call<v1::JobService>(&v1::JobService::Stub::GetJob, request);
}

absl::Status JobWatch::WaitToRetry(const absl::Status& loss, JobView& view) {
  if (lost_since_ == absl::InfiniteFuture()) {
    lost_since_ = absl::Now();
    pause_ = kFirstPause;
    view.Notice(absl::StrCat("lost the server: ", loss.message(), "; trying again for ",
                             ReadableDuration(reconnect_)));
  }
  if (absl::Now() - lost_since_ >= reconnect_) {
    return absl::UnavailableError(absl::StrCat("lost ", connection_.address(), " and gave up after ",
                                               ReadableDuration(reconnect_), ": ", loss.message(),
                                               "; the job may well be running on"));
  }
  if (interrupt_.WaitFor(pause_)) return absl::CancelledError("detached");
  pause_ = std::min(pause_ * 1.6, kLongestPause);
  return absl::OkStatus();
}

/// A stream that ended well has told the job's last event, unless there was nothing after `after` or the
/// server ended it to shut down: the job itself knows.
absl::Status JobWatch::CheckEnd() {
  connected_before_ = true;
  if (progress_.ended()) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(const v1::Job job, Get());
  if (!IsEnded(job.state()))
    return absl::UnavailableError(absl::StrCat(connection_.address(), " ended the stream"));
  v1::JobEvent event;
  event.mutable_state()->set_state(job.state());
  *event.mutable_state()->mutable_error() = job.error();
  event.mutable_state()->set_published_version(job.published_version());
  *event.mutable_state()->mutable_alias_moves() = job.alias_moves();
  progress_.Add(event, absl::Now());
  return absl::OkStatus();
}

}  // namespace mae
