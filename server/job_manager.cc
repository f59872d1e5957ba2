#include "server/job_manager.h"

#include <spdlog/spdlog.h>

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "recipe/from_model.h"
#include "server/disk_space.h"
#include "server/job_submission.h"
#include "server/job_to_proto.h"
#include "server/page.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

using Events = absl::StatusOr<std::vector<JobEventBody>>;

const std::vector<JobState> kActive = {JobState::kStarting, JobState::kRunning, JobState::kStopping};

absl::Status Refuse(const JobRecord& record, const std::string& what, const std::string& remedy) {
  return absl::FailedPreconditionError(absl::StrCat(
      JobResourceName(record), " is ", std::string(JobStateName(record.state)), "; ", what, ": ", remedy));
}

Events StopRow(JobRecord& record, bool at_once) {
  if (IsEnded(record.state))
    return Refuse(record, "only a job that has not ended can be stopped", "nothing to do");
  if (record.state == JobState::kQueued) {
    record.state = JobState::kStopped;
    record.ended = absl::Now();
    return std::vector<JobEventBody>{StateEvent{JobState::kStopped, absl::OkStatus()}};
  }
  record.state = JobState::kStopping;
  record.stop_at_once |= at_once;
  return std::vector<JobEventBody>{};
}

Events ResumeRow(JobRecord& record, int64_t queue_order) {
  if (record.state == JobState::kSucceeded) {
    return Refuse(record, "only a stopped or failed job can be resumed", "start a new one with more epochs");
  }
  if (!IsEnded(record.state)) {
    return Refuse(record, "only a stopped or failed job can be resumed", "stop it first");
  }
  record.state = JobState::kQueued;
  record.error = absl::OkStatus();
  record.ended.reset();
  record.queue_order = queue_order;
  return std::vector<JobEventBody>{StateEvent{JobState::kQueued, absl::OkStatus()}};
}

absl::StatusOr<std::unique_ptr<JobDbReader>> ReaderOf(const JobLedger& ledger, const JobRecord& record) {
  return JobDbReader::Open(ledger.Folder(record.id).database());
}

// Each once, however often it is named: each becomes a parameter of the query, and SQLite takes only so many.
absl::StatusOr<std::vector<JobState>> StatesOf(const v1::ListJobsRequest& request) {
  std::set<JobState> states;
  for (const int state : request.states()) {
    MAE_ASSIGN_OR_RETURN(const JobState known, FromProto(static_cast<v1::Job::State>(state)));
    states.insert(known);
  }
  return std::vector<JobState>(states.begin(), states.end());
}

absl::StatusOr<int64_t> NumberAfter(const Page& page) {
  int64_t number = 0;
  if (page.after.empty() || (absl::SimpleAtoi(page.after, &number) && number > 0)) return number;
  return InvalidField("page_token", "is not a next_page_token of ListJobs; leave it empty to start over");
}

// Why a job is still QUEUED with `before` jobs ahead of it.
std::string PendingReason(const std::vector<JobRecord>& active, int64_t slots, int64_t before) {
  const auto in_use = static_cast<int64_t>(active.size());
  if (in_use + before < slots) return "starts at once: a job slot is free";
  std::vector<std::string> names;
  for (const JobRecord& other : active) names.push_back(JobResourceName(other));
  return absl::StrCat("waits for a job slot: ", in_use, " of ", slots, " in use",
                      names.empty() ? "" : absl::StrCat(" (", absl::StrJoin(names, ", "), ")"), ", ", before,
                      before == 1 ? " job" : " jobs", " before it");
}

}  // namespace

absl::StatusOr<std::string> JobIdOf(const std::string& name) {
  absl::string_view id = name;
  const bool has_prefix = absl::ConsumePrefix(&id, "jobs/");
  if (has_prefix && !id.empty() && id.find('/') == absl::string_view::npos) return std::string(id);
  return InvalidField("name",
                      absl::StrCat("'", name, "' is not the name of a job; it has the form jobs/{job}"));
}

absl::Status JobManager::CheckDisk() const { return CheckDiskSpace(ledger_.root(), 0, limits_.disk_reserve); }

absl::Status JobManager::Create(const v1::CreateJobRequest& request, v1::Job& response) {
  MAE_RETURN_IF_ERROR(CheckOpen());
  MAE_ASSIGN_OR_RETURN(const JobRecord asked, RecordOfRequest(request));
  if (!request.validate_only()) {
    // Before the spec is resolved: the first answer holds, also if the dataset has gone since.
    MAE_ASSIGN_OR_RETURN(const std::optional<JobRecord> earlier, ledger_.FindReplay(asked));
    if (earlier) return Show(*earlier, response);
  }
  MAE_ASSIGN_OR_RETURN(JobSubmission submission, ResolveSubmission(request, datasets_, models_));
  if (request.validate_only()) {
    *response.mutable_spec() = std::move(submission.spec);
    response.set_recipe(request.recipe());
    return absl::OkStatus();
  }
  MAE_RETURN_IF_ERROR(CheckDisk());
  const bool is_elsewhere = submission.spec.resources().launcher() == v1::LAUNCHER_SLURM;
  MAE_ASSIGN_OR_RETURN(const JobRecord made,
                       ledger_.Create(std::move(submission.record), submission.spec_json, limits_.max_queued,
                                      is_elsewhere ? JobDbReach::kSeveralMachines : JobDbReach::kOneMachine));
  supervisor_.Wake();
  return Show(made, response);
}

absl::Status JobManager::Get(const v1::GetJobRequest& request, v1::Job& response) const {
  MAE_ASSIGN_OR_RETURN(const std::string id, JobIdOf(request.name()));
  MAE_ASSIGN_OR_RETURN(const JobRecord record, ledger_.Find(id));
  return Show(record, response);
}

absl::Status JobManager::List(const v1::ListJobsRequest& request, v1::ListJobsResponse& response) const {
  MAE_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  MAE_ASSIGN_OR_RETURN(const int64_t before, NumberAfter(page));
  MAE_ASSIGN_OR_RETURN(const std::vector<JobState> states, StatesOf(request));
  MAE_RETURN_IF_ERROR(ledger_.NoteRunning());
  MAE_ASSIGN_OR_RETURN(std::vector<JobRecord> records, table_.List(before, page.size + 1, states));
  if (static_cast<int64_t>(records.size()) > page.size) {
    records.pop_back();
    response.set_next_page_token(NextPageToken(absl::StrCat(records.back().number)));
  }
  for (const JobRecord& record : records) MAE_RETURN_IF_ERROR(Show(record, *response.add_jobs()));
  return absl::OkStatus();
}

absl::Status JobManager::Stop(const v1::StopJobRequest& request, v1::Job& response) {
  MAE_ASSIGN_OR_RETURN(const std::string id, JobIdOf(request.name()));
  MAE_ASSIGN_OR_RETURN(const JobRecord record,
                       ledger_.Apply(id, [&](JobRecord& row) { return StopRow(row, request.immediate()); }));
  supervisor_.Wake();
  return Show(record, response);
}

absl::Status JobManager::Resume(const v1::ResumeJobRequest& request, v1::Job& response) {
  MAE_RETURN_IF_ERROR(CheckOpen());
  MAE_ASSIGN_OR_RETURN(const std::string id, JobIdOf(request.name()));
  MAE_ASSIGN_OR_RETURN(const std::optional<JobSubmission> changed, Changed(id, request));
  MAE_ASSIGN_OR_RETURN(const JobRecord record, ledger_.Apply(id, [&](JobRecord& row) -> Events {
    MAE_RETURN_IF_ERROR(CheckDisk());
    MAE_ASSIGN_OR_RETURN(const int64_t order, table_.LastQueueOrder());
    MAE_ASSIGN_OR_RETURN(std::vector<JobEventBody> events, ResumeRow(row, order));
    MAE_RETURN_IF_ERROR(ledger_.CheckRoomInQueue(limits_.max_queued));
    if (changed) {
      if (changed->spec.resources().launcher() == v1::LAUNCHER_SLURM)
        MAE_RETURN_IF_ERROR(MakeReachSeveralMachines(ledger_.Folder(id).database()));
      // If the row is not written after this, a later run is on these resources though the row names others:
      // the same model comes of it, and the trainer goes by this file alone.
      MAE_RETURN_IF_ERROR(ledger_.Folder(id).ReplaceSpec(changed->spec_json));
      row.spec = changed->record.spec;
    }
    return events;
  }));
  supervisor_.Wake();
  return Show(record, response);
}

absl::StatusOr<std::optional<JobSubmission>> JobManager::Changed(const std::string& id,
                                                                 const v1::ResumeJobRequest& request) const {
  if (!request.has_resources() && DatasetIsWhereItWas(ledger_.Folder(id).spec()))
    return std::optional<JobSubmission>();
  MAE_ASSIGN_OR_RETURN(JobRecord record, ledger_.Find(id));
  // What can't be resumed is told that, whatever resources are asked for.
  MAE_RETURN_IF_ERROR(ResumeRow(record, record.queue_order).status());
  MAE_ASSIGN_OR_RETURN(const v1::JobSpec spec, SpecOf(record));
  const v1::ResourceSpec& resources = request.has_resources() ? request.resources() : spec.resources();
  MAE_ASSIGN_OR_RETURN(JobSubmission changed, ResolveResources(record, resources, datasets_, models_));
  return std::optional<JobSubmission>(std::move(changed));
}

absl::Status JobManager::Delete(const v1::DeleteJobRequest& request) {
  MAE_ASSIGN_OR_RETURN(const std::string id, JobIdOf(request.name()));
  return ledger_.Delete(id);
}

absl::Status JobManager::QueryMetrics(const v1::QueryMetricsRequest& request,
                                      const std::function<bool()>& is_cancelled,
                                      v1::QueryMetricsResponse& response) const {
  MAE_ASSIGN_OR_RETURN(const std::string id, JobIdOf(request.name()));
  MAE_ASSIGN_OR_RETURN(const JobRecord record, table_.Find(id));
  MAE_ASSIGN_OR_RETURN(const auto reader, ReaderOf(ledger_, record));
  return AnswerMetrics(request, *reader, limits_.max_answered_points, is_cancelled, response);
}

absl::Status JobManager::CheckOpen() const {
  if (!refuses_) return absl::OkStatus();
  return absl::UnavailableError("the server shuts down; try again when it is back");
}

absl::StatusOr<std::vector<std::string>> JobManager::JobsOn(const std::string& dataset) const {
  return JobsThat([&](const v1::JobSpec& spec) {
    return DatasetShortName(spec.data().dataset()) == DatasetShortName(dataset);
  });
}

absl::StatusOr<std::vector<std::string>> JobManager::JobsFrom(const std::string& model_version) const {
  return JobsThat([&](const v1::JobSpec& spec) { return FromModelOf(spec) == model_version; });
}

absl::StatusOr<std::vector<std::string>> JobManager::JobsThat(
    const std::function<bool(const v1::JobSpec& spec)>& need) const {
  MAE_ASSIGN_OR_RETURN(const auto records, table_.List(0, kAllRows,
                                                       {JobState::kQueued, JobState::kStarting,
                                                        JobState::kRunning, JobState::kStopping}));
  std::vector<std::string> names;
  for (const JobRecord& record : records) {
    MAE_ASSIGN_OR_RETURN(const v1::JobSpec spec, SpecOf(record));
    if (need(spec)) names.push_back(JobResourceName(record));
  }
  return names;
}

void JobManager::RefuseNewJobs() {
  refuses_ = true;
  supervisor_.HoldQueue();
}

void JobManager::StopAll() {
  const auto records = table_.List(0, kAllRows, kActive);
  if (!records.ok()) {
    spdlog::error("can't list the jobs to stop: {}", records.status().ToString());
    return;
  }
  for (const JobRecord& record : *records) {
    const auto stopped = ledger_.Apply(record.id, [](JobRecord& row) { return StopRow(row, false); });
    if (!stopped.ok()) spdlog::warn("can't stop jobs/{}: {}", record.id, stopped.status().ToString());
  }
  supervisor_.Wake();
}

absl::Status JobManager::Show(const JobRecord& record, v1::Job& response) const {
  JobSummary summary;
  // A job whose job.db is gone or broken can still be shown, and deleted.
  if (const auto reader = ReaderOf(ledger_, record); reader.ok()) {
    if (auto read = (*reader)->Summary(); read.ok()) summary = *std::move(read);
  }
  response = ToProto(record, summary);
  return record.state == JobState::kQueued ? ShowQueue(record, response) : absl::OkStatus();
}

absl::Status JobManager::ShowQueue(const JobRecord& record, v1::Job& response) const {
  MAE_ASSIGN_OR_RETURN(const int64_t before, table_.CountQueuedBefore(record.queue_order));
  response.set_queue_position(static_cast<int32_t>(before));
  MAE_ASSIGN_OR_RETURN(const std::vector<JobRecord> active, table_.List(0, kAllRows, kActive));
  response.set_pending_reason(PendingReason(active, supervisor_.slots(), before));
  return absl::OkStatus();
}

}  // namespace mae
