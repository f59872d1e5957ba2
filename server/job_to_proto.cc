#include "server/job_to_proto.h"

#include <google/protobuf/util/json_util.h>
#include <spdlog/spdlog.h>

#include <variant>

#include "absl/strings/str_cat.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

v1::Progress ProgressOf(const JobSummary& summary) {
  v1::Progress progress;
  progress.set_step(summary.metrics.step);
  progress.set_total_steps(summary.metrics.total_steps);
  progress.set_epoch(summary.metrics.epoch);
  progress.set_epochs(static_cast<int32_t>(summary.metrics.epochs));
  progress.mutable_metrics()->insert(summary.metrics.values.begin(), summary.metrics.values.end());
  progress.set_checkpoint_step(summary.checkpoint_step);
  progress.set_restarts(static_cast<int32_t>(summary.restarts));
  return progress;
}

void Fill(const StateEvent& event, v1::JobEvent& out) {
  out.mutable_state()->set_state(ToProto(event.state));
  if (!event.error.ok()) *out.mutable_state()->mutable_error() = ToRpcStatus(event.error);
}

void Fill(const MetricsEvent& event, v1::JobEvent& out) {
  v1::JobEvent::Metrics& metrics = *out.mutable_metrics();
  metrics.set_step(event.step);
  metrics.set_total_steps(event.total_steps);
  metrics.set_epoch(event.epoch);
  metrics.set_epochs(static_cast<int32_t>(event.epochs));
  metrics.mutable_values()->insert(event.values.begin(), event.values.end());
}

void Fill(const PictureEvent& event, v1::JobEvent& out) {
  out.mutable_picture()->set_epoch(static_cast<int32_t>(event.epoch));
  out.mutable_picture()->set_caption(event.caption);
  out.mutable_picture()->set_path(event.path);
}

void Fill(const CheckpointEvent& event, v1::JobEvent& out) {
  out.mutable_checkpoint()->set_step(event.step);
  out.mutable_checkpoint()->set_path(event.path);
}

void Fill(const LogEvent& event, v1::JobEvent& out) {
  out.mutable_log()->set_severity(event.severity);
  out.mutable_log()->set_text(event.text);
}

// Watchers take it as words.
void Fill(const RestartEvent& event, v1::JobEvent& out) { Fill(LogEvent{"warning", event.text}, out); }

void FillMoves(const JobRecord& record, google::protobuf::RepeatedPtrField<v1::AliasMove>& out) {
  for (const AliasMove& move : record.alias_moves) {
    v1::AliasMove& added = *out.Add();
    added.set_alias(move.alias);
    added.set_moved(move.moved);
    added.set_reason(move.reason);
  }
}

bool IsSuccess(const JobEvent& event) {
  const auto* state = std::get_if<StateEvent>(&event.event);
  return state != nullptr && state->state == JobState::kSucceeded;
}

}  // namespace

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp out;
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return out;
}

// The message counts the same states from 1.
v1::Job::State ToProto(JobState state) { return static_cast<v1::Job::State>(static_cast<int>(state) + 1); }

absl::StatusOr<JobState> FromProto(v1::Job::State state) {
  if (state >= v1::Job::QUEUED && state <= v1::Job::FAILED)
    return static_cast<JobState>(static_cast<int>(state) - 1);
  return InvalidField("states", absl::StrCat(static_cast<int>(state), " is not a state that a job can have"));
}

absl::StatusOr<v1::JobSpec> SpecOf(const JobRecord& record) {
  v1::JobSpec spec;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto read = google::protobuf::util::JsonStringToMessage(record.spec, &spec, options);
  if (read.ok()) return spec;
  return absl::DataLossError(
      absl::StrCat("the spec of jobs/", record.id, " in mae.db can't be read: ", read.ToString()));
}

v1::Job ToProto(const JobRecord& record, const JobSummary& summary) {
  v1::Job job;
  job.set_name(JobResourceName(record));
  if (auto spec = SpecOf(record); spec.ok()) {
    *job.mutable_spec() = *std::move(spec);
  } else {
    spdlog::error("{}", spec.status().ToString());
  }
  job.set_state(ToProto(record.state));
  if (!record.error.ok()) *job.mutable_error() = ToRpcStatus(record.error);
  *job.mutable_create_time() = ToProto(record.created);
  if (record.started) *job.mutable_start_time() = ToProto(*record.started);
  if (record.ended) *job.mutable_end_time() = ToProto(*record.ended);
  *job.mutable_progress() = ProgressOf(summary);
  if (IsEnded(record.state)) job.mutable_progress()->mutable_metrics()->erase("eta_seconds");
  job.set_published_version(record.published_version);
  FillMoves(record, *job.mutable_alias_moves());
  job.set_recipe(record.recipe);
  job.set_last_sequence(summary.last_sequence);
  return job;
}

bool EventView::Holds(const JobEvent& event) const {
  return IsSuccess(event) && event.sequence > record.run_sequence && !IsEnded(record.state);
}

v1::JobEvent EventView::Show(const JobEvent& event) const {
  v1::JobEvent out;
  out.set_sequence(event.sequence);
  *out.mutable_time() = ToProto(event.time);
  const bool was_published = record.state == JobState::kSucceeded && event.sequence > record.run_sequence;
  if (IsSuccess(event) && !was_published) {
    Fill(LogEvent{"info", "training ended well; its model was not published"}, out);
    return out;
  }
  std::visit([&](const auto& body) { Fill(body, out); }, event.event);
  if (!IsSuccess(event)) return out;
  out.mutable_state()->set_published_version(record.published_version);
  FillMoves(record, *out.mutable_state()->mutable_alias_moves());
  return out;
}

v1::MetricPoint ToProto(const MetricPoint& point) {
  v1::MetricPoint out;
  out.set_step(point.step);
  out.set_epoch(point.epoch);
  out.set_value(point.value);
  *out.mutable_time() = ToProto(point.time);
  return out;
}

}  // namespace mae
