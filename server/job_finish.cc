#include "server/job_finish.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log_lines.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_lock.h"
#include "server/job_to_proto.h"

namespace mae {
namespace {

constexpr int64_t kLogTailBytes = 4096;
constexpr size_t kLogTailLines = 5;

std::string LogTail(const JobFolder& folder) {
  std::ifstream file(folder.log(), std::ios::binary | std::ios::ate);
  if (!file) return "";
  const int64_t size = file.tellg();
  std::string text(static_cast<size_t>(std::min(size, kLogTailBytes)), '\0');
  file.seekg(size - static_cast<int64_t>(text.size()));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::vector<std::string> lines = absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
  if (size > kLogTailBytes && lines.size() > 1) lines.erase(lines.begin());  // the end of one
  if (lines.size() > kLogTailLines) lines.erase(lines.begin(), lines.end() - kLogTailLines);
  for (std::string& line : lines) line = LogLineText(line);
  return absl::StrJoin(lines, "\n");
}

// Nothing is promised of a checkpoint that is not there.
std::string WhatAResumeDoes(int64_t checkpoint_step) {
  return checkpoint_step > 0 ? absl::StrCat("goes on from step ", checkpoint_step) : "starts it again";
}

std::string Remedy(const std::string& id, int64_t checkpoint_step) {
  return absl::StrCat("`mae_client resume-job jobs/", id, "` ", WhatAResumeDoes(checkpoint_step));
}

absl::Status DeathOf(const std::string& id, const ProcessExit& exit, int64_t checkpoint_step,
                     const JobFolder& folder) {
  std::string message = absl::StrCat("the trainer ended without saying why: ", exit.Describe());
  if (exit.signal == SIGKILL)
    absl::StrAppend(&message, "; if nobody killed it, the machine ran out of memory");
  absl::StrAppend(&message, "; ", Remedy(id, checkpoint_step), "; see trainer.log");
  const std::string tail = LogTail(folder);
  if (!tail.empty()) absl::StrAppend(&message, "\nIts last lines:\n", tail);
  return absl::InternalError(message);
}

// The trainer is asked by signals, so one that dies of them has done as it was told.
bool WasStopped(const JobRecord& record, const ProcessExit& exit) {
  if (record.state != JobState::kStopping) return false;
  if (exit.exit_code) return false;
  return !exit.signal || *exit.signal == SIGTERM || *exit.signal == SIGKILL;
}

// Edits the row; `events` go to job.db first.
absl::Status End(const std::string& id, JobState state, const absl::Status& error, JobLedger& ledger,
                 std::vector<JobEventBody> events, const PublishedModel* published = nullptr) {
  return ledger
      .Apply(id,
             [&](JobRecord& record) -> absl::StatusOr<std::vector<JobEventBody>> {
               record.state = state;
               record.error = error;
               record.ended = absl::Now();
               record.published_version = published == nullptr ? "" : published->resource_name();
               record.alias_moves = published == nullptr ? std::vector<AliasMove>() : published->aliases;
               record.trainer.reset();
               record.stop_at_once = false;
               return std::move(events);
             })
      .status();
}

absl::Status Publish(const JobRecord& record, JobLedger& ledger, ModelStore& models) {
  if (record.model.empty()) return End(record.id, JobState::kSucceeded, absl::OkStatus(), ledger, {});
  MAE_ASSIGN_OR_RETURN(const v1::JobSpec spec, SpecOf(record));
  const AliasWish wish{{spec.publish().aliases().begin(), spec.publish().aliases().end()},
                       spec.publish().only_if_better()};
  const auto version = models.Publish(ledger.Folder(record.id).exported(), record.model, wish);
  if (version.ok()) {
    for (const AliasMove& move : version->aliases) {
      spdlog::info("jobs/{}: alias {} {} to {}: {}", record.id, move.alias,
                   move.moved ? "moved" : "did not move", version->resource_name(), move.reason);
    }
    return End(record.id, JobState::kSucceeded, absl::OkStatus(), ledger, {}, &*version);
  }
  const std::string message =
      absl::StrCat("training ended well, but publishing its model as '", record.model,
                   "' failed: ", std::string(version.status().message()),
                   "; put that right, then publish again with `mae_client resume-job jobs/", record.id, "`");
  return FailJob(record.id, absl::Status(version.status().code(), message), ledger);
}

absl::Status FinishDead(const JobRecord& record, const ProcessExit& exit, int64_t checkpoint_step,
                        JobLedger& ledger) {
  if (!WasStopped(record, exit)) {
    return FailJob(record.id, DeathOf(record.id, exit, checkpoint_step, ledger.Folder(record.id)), ledger);
  }
  return End(
      record.id, JobState::kStopped, absl::OkStatus(), ledger,
      {LogEvent{"warning", absl::StrCat("the trainer was ended by ", exit.Describe(),
                                        " without a last checkpoint; ", Remedy(record.id, checkpoint_step))},
       StateEvent{JobState::kStopped, absl::OkStatus()}});
}

// What its trainer was writing when it was killed must not be published with the rest, nor stay.
absl::Status SweepFolder(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(const FileLock lock, LockJobFolder(folder));
  folder.Sweep();
  return absl::OkStatus();
}

absl::StatusOr<JobSummary> SummaryOf(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(const auto reader, JobDbReader::Open(folder.database()));
  return reader->Summary();
}

}  // namespace

absl::Status FailJob(const std::string& id, const absl::Status& error, JobLedger& ledger) {
  spdlog::warn("jobs/{} failed: {}", id, error.ToString());
  return End(id, JobState::kFailed, error, ledger, {StateEvent{JobState::kFailed, error}});
}

absl::Status FinishJob(const std::string& id, const ProcessExit& exit, JobLedger& ledger, JobTable& table,
                       ModelStore& models) {
  MAE_ASSIGN_OR_RETURN(const JobRecord record, table.Find(id));
  const LogScope scope{{"job", JobResourceName(record)}, {"request_id", record.request_id}};
  const absl::StatusOr<JobSummary> summary = SummaryOf(ledger.Folder(id));
  if (!summary.ok()) {
    if (!absl::IsDataLoss(summary.status()) && !absl::IsNotFound(summary.status())) return summary.status();
    return End(id, JobState::kFailed, summary.status(), ledger, {});  // There is no job.db to append to.
  }
  MAE_RETURN_IF_ERROR(SweepFolder(ledger.Folder(id)));
  const StateEvent last = summary->state.value_or(StateEvent{});
  spdlog::info("the trainer of jobs/{} ended: {}, last state {}", id, exit.Describe(),
               JobStateName(last.state));
  switch (last.state) {
    case JobState::kSucceeded:
      return Publish(record, ledger, models);
    case JobState::kStopped:
      return End(id, JobState::kStopped, absl::OkStatus(), ledger, {});
    case JobState::kFailed:
      return End(id, JobState::kFailed, last.error, ledger, {});
    default:
      return FinishDead(record, exit, summary->checkpoint_step, ledger);
  }
}

}  // namespace mae
