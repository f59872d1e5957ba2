#include "server/job_ledger.h"

#include <spdlog/spdlog.h>

#include <system_error>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_lock.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

// A folder that is being deleted has its name behind this, which no job's id can begin with.
constexpr char kDeletedPrefix[] = ".deleted-";
constexpr absl::Duration kRetryDelay = absl::Seconds(30);

absl::Status RemoveFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(folder.string(), ": can't remove: ", error.message()));
}

bool Exists(const std::filesystem::path& path) {
  std::error_code ignored;  // What can't be seen is as good as not there.
  return std::filesystem::exists(path, ignored);
}

// Whether the trainer of a STARTING job has begun; it may have ended since. A job.db that can't be read says
// nothing.
bool TrainerHasBegun(const JobFolder& folder) {
  const auto reader = JobDbReader::Open(folder.database());
  if (!reader.ok()) return false;
  const auto summary = (*reader)->Summary();
  if (!summary.ok() || !summary->state) return false;
  const JobState said = summary->state->state;
  return said == JobState::kRunning || IsEnded(said);
}

}  // namespace

absl::Status JobLedger::CheckRoomInQueue(int64_t max_queued) const {
  MAE_ASSIGN_OR_RETURN(auto counts, table_.CountByState());
  const int64_t queued = counts[JobState::kQueued];
  if (queued < max_queued) return absl::OkStatus();
  return WithRetryDelay(
      absl::ResourceExhaustedError(absl::StrCat(queued, " jobs wait already, the limit is ", max_queued,
                                                " (jobs.max_queued); stop one of them or try again later")),
      kRetryDelay);
}

absl::StatusOr<std::string> JobLedger::NewId(const std::string& kind) const {
  absl::BitGen random;
  while (true) {
    std::string id =
        absl::StrFormat("%s-%08x", absl::StrReplaceAll(kind, {{"_", "-"}}), absl::Uniform<uint32_t>(random));
    if (!absl::IsNotFound(table_.Find(id).status())) continue;
    if (!Exists(jobs_root_ / id)) return id;
  }
}

absl::StatusOr<std::optional<JobRecord>> JobLedger::FindReplay(const JobRecord& record) const {
  if (record.request_id.empty()) return std::optional<JobRecord>();
  MAE_ASSIGN_OR_RETURN(std::optional<JobRecord> earlier, table_.FindByRequest(record.request_id));
  if (!earlier) return earlier;
  if (earlier->request_hash == record.request_hash)
    return std::optional<JobRecord>(BroughtUp(*std::move(earlier)));
  return absl::AlreadyExistsError(absl::StrCat("request_id '", record.request_id, "' was used by ",
                                               JobResourceName(*earlier),
                                               " with another body; choose a new UUID for a new job"));
}

absl::StatusOr<JobRecord> JobLedger::Create(JobRecord record, const std::string& spec_json,
                                            int64_t max_queued, JobDbReach reach) {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(std::optional<JobRecord> earlier, FindReplay(record));
  if (earlier) return *std::move(earlier);
  MAE_RETURN_IF_ERROR(CheckRoomInQueue(max_queued));
  MAE_ASSIGN_OR_RETURN(record.id, NewId(record.kind));
  record.created = absl::Now();
  absl::Status made = MakeFolder(record.id, spec_json, reach);
  if (made.ok()) made = table_.Insert(record);
  if (made.ok()) return record;
  made.Update(RemoveFolder(jobs_root_ / record.id));
  return made;
}

absl::Status JobLedger::MakeFolder(const std::string& id, const std::string& spec_json, JobDbReach reach) {
  MAE_RETURN_IF_ERROR(Folder(id).Create(spec_json));
  MAE_RETURN_IF_ERROR(JobDbWriter::Open(Folder(id).database(), reach).status());
  return AppendEvents(id, {StateEvent{JobState::kQueued, absl::OkStatus()}}).status();
}

absl::StatusOr<int64_t> JobLedger::AppendEvents(const std::string& id,
                                                const std::vector<JobEventBody>& events) {
  MAE_ASSIGN_OR_RETURN(const FileLock folder_lock, LockJobFolder(Folder(id)));
  MAE_ASSIGN_OR_RETURN(const auto writer, JobDbWriter::Open(Folder(id).database()));
  int64_t sequence = 0;
  for (const JobEventBody& event : events) {
    MAE_ASSIGN_OR_RETURN(sequence, writer->Append(event));
  }
  return sequence;
}

JobRecord JobLedger::BroughtUp(JobRecord record) const {
  if (record.state == JobState::kStarting && TrainerHasBegun(Folder(record.id)))
    record.state = JobState::kRunning;
  return record;
}

absl::StatusOr<JobRecord> JobLedger::Find(const std::string& id) const {
  MAE_ASSIGN_OR_RETURN(JobRecord record, table_.Find(id));
  return BroughtUp(std::move(record));
}

absl::Status JobLedger::NoteRunning() {
  MAE_ASSIGN_OR_RETURN(const std::vector<JobRecord> starting,
                       table_.List(0, kAllRows, {JobState::kStarting}));
  for (const JobRecord& record : starting) {
    if (BroughtUp(record).state == JobState::kStarting) continue;
    const absl::Status noted = Edit(record.id, [](JobRecord&) {});  // The row is brought up by that.
    if (!noted.ok() && !absl::IsNotFound(noted)) return noted;
  }
  return absl::OkStatus();
}

absl::StatusOr<JobRecord> JobLedger::Apply(const std::string& id, const Change& change) {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(JobRecord record, Find(id));
  MAE_ASSIGN_OR_RETURN(const std::vector<JobEventBody> events, change(record));
  if (!events.empty()) {
    MAE_ASSIGN_OR_RETURN(const int64_t sequence, AppendEvents(id, events));
    if (!IsEnded(record.state)) record.run_sequence = sequence;
  }
  MAE_RETURN_IF_ERROR(table_.Update(record));
  return record;
}

absl::Status JobLedger::Edit(const std::string& id, const std::function<void(JobRecord&)>& edit) {
  const auto change = [&](JobRecord& record) -> absl::StatusOr<std::vector<JobEventBody>> {
    edit(record);
    return std::vector<JobEventBody>();
  };
  return Apply(id, change).status();
}

absl::Status JobLedger::Delete(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(const JobRecord record, Find(id));
  if (!IsEnded(record.state)) {
    return absl::FailedPreconditionError(absl::StrCat("jobs/", id, " is ",
                                                      std::string(JobStateName(record.state)),
                                                      "; only an ended job can be deleted: stop it first"));
  }
  const std::filesystem::path doomed = jobs_root_ / absl::StrCat(kDeletedPrefix, id);
  if (Exists(jobs_root_ / id)) MAE_RETURN_IF_ERROR(RenameDurably(jobs_root_ / id, doomed));
  MAE_RETURN_IF_ERROR(table_.Delete(id));
  return RemoveFolder(doomed);
}

absl::Status JobLedger::SweepFolder(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (absl::StartsWith(name, kDeletedPrefix)) {
    MAE_RETURN_IF_ERROR(table_.Delete(name.substr(sizeof(kDeletedPrefix) - 1)));
    return RemoveFolder(path);
  }
  const absl::Status found = table_.Find(name).status();
  if (!absl::IsNotFound(found)) return found;
  const JobFolder folder(path);
  std::error_code ignored;  // What can't be looked at is left alone.
  const bool is_empty =
      std::filesystem::is_directory(path, ignored) && std::filesystem::is_empty(path, ignored);
  if (is_empty || (Exists(folder.checkpoints()) && !Exists(folder.log()))) return RemoveFolder(path);
  spdlog::warn("{} belongs to no job of this server; left alone", path.string());
  return absl::OkStatus();
}

absl::Status JobLedger::Sweep() {
  absl::MutexLock lock(&mutex_);
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator entry(jobs_root_, error), end; !error && entry != end;
       entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) return absl::InternalError(absl::StrCat(jobs_root_.string(), ": can't list: ", error.message()));
  for (const auto& path : paths) {
    // The next start tries again; until then it is in nobody's way.
    if (const absl::Status swept = SweepFolder(path); !swept.ok())
      spdlog::warn("can't sweep {}: {}", path.string(), swept.ToString());
  }
  return absl::OkStatus();
}

}  // namespace mae
