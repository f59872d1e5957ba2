#include "server/job_metrics.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {
namespace {

constexpr JobState kAllStates[] = {JobState::kQueued,   JobState::kStarting, JobState::kRunning,
                                   JobState::kStopping, JobState::kStopped,  JobState::kSucceeded,
                                   JobState::kFailed};

double Timestamp(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

// What the trainer's own series mean; one that is not here is another measure of a kind of job.
std::string HelpOf(const std::string& name) {
  static const auto& help = *new std::map<std::string, std::string>{
      {"accuracy", "Share of validation images classified right after the last epoch, 0 to 1."},
      {"batch_accuracy", "Share of training images classified right since the last report, 0 to 1."},
      {"data_wait_seconds_total", "Time for which training waited for data."},
      {"eta_seconds", "What the trainer expects the job still to take."},
      {"grad_norm", "Norm of the gradients before clipping, mean over the steps since the last report."},
      {"images_per_second", "Images trained on a second since the last report."},
      {"images_total", "Images trained on, those of epochs before counted again."},
      {"learning_rate", "Learning rate of the last step."},
      {"loss", "Training loss, mean over the images since the last report."},
      {"rollbacks_total", "Times that the run went back to a checkpoint because its loss was not finite."},
      {"skipped_steps_total", "Steps not taken because their loss or gradients were not finite."},
      {"validation_loss", "Loss on the validation images after the last epoch."}};
  const auto found = help.find(name);
  return found == help.end() ? absl::StrCat("The newest ", name, " of the job.") : found->second;
}

void AddTrainerSeries(const JobSummary& summary, const MetricFamilies::Labels& labels, bool ended,
                      MetricFamilies& families) {
  const MetricsEvent& newest = summary.metrics;
  for (const auto& [name, value] : newest.values) {
    if (ended && name == "eta_seconds") continue;
    families.Add(absl::StrCat("mae_train_", name), HelpOf(name), labels, value);
  }
  families.Add("mae_train_step", "Batches trained on; of a job that only measures, images looked at.", labels,
               static_cast<double>(newest.step));
  families.Add("mae_train_restarts_total",
               "Times that the job's processes lost one another, or Slurm took them, and all began again.",
               labels, static_cast<double>(summary.restarts));
  families.Add("mae_train_epoch", "Epochs done, with the part of the present one.", labels, newest.epoch);
  families.Add("mae_train_epochs", "Epochs of the whole job.", labels, static_cast<double>(newest.epochs));
}

bool Trains(const JobRecord& record) { return record.kind != "knn_probe" && record.kind != "evaluate"; }

// The age is of what a crash would lose: nothing of what was before this run of the job.
void AddCheckpoint(const JobRecord& record, const JobSummary& summary, absl::Time now,
                   const MetricFamilies::Labels& labels, MetricFamilies& families) {
  if (summary.checkpoint_time) {
    families.Add("mae_train_checkpoint_timestamp_seconds", "When the newest checkpoint was made.", labels,
                 Timestamp(*summary.checkpoint_time));
  }
  const auto since = std::max(summary.checkpoint_time, summary.state_time);
  if (since && Trains(record) && !IsEnded(record.state)) {
    families.Add("mae_train_checkpoint_age_seconds",
                 "Time since the newest checkpoint, or since the job runs if that is less.", labels,
                 absl::ToDoubleSeconds(now - *since));
  }
}

void AddInfo(const JobRecord& record, const MetricFamilies::Labels& labels, MetricFamilies& families) {
  MetricFamilies::Labels more = labels;
  more.push_back({"recipe", record.recipe});
  more.push_back({"state", std::string(JobStateName(record.state))});
  families.Add("mae_job_info", "Always 1; the labels tell of the job.", more, 1);
  if (record.started) {
    families.Add("mae_job_start_timestamp_seconds", "When the job first ran.", labels,
                 Timestamp(*record.started));
  }
  if (!record.ended) return;
  MetricFamilies::Labels end = labels;
  end.push_back({"state", std::string(JobStateName(record.state))});
  families.Add("mae_job_end_timestamp_seconds", "When the job ended, and how.", end,
               Timestamp(*record.ended));
}

}  // namespace

absl::Status JobMetrics::AddJobs(absl::Time now, MetricFamilies& families) const {
  MAE_RETURN_IF_ERROR(ledger_.NoteRunning());
  MAE_ASSIGN_OR_RETURN(auto counts, table_.CountByState());
  for (const JobState state : kAllStates) {
    families.Add("mae_jobs", "Jobs by state, all that were not deleted.",
                 {{"state", std::string(JobStateName(state))}}, static_cast<double>(counts[state]));
  }
  const absl::Time since = now - options_.ended_for;
  MAE_ASSIGN_OR_RETURN(const auto records, table_.ListActiveSince(since, options_.max_jobs));
  MAE_ASSIGN_OR_RETURN(const int64_t all, table_.CountActiveSince(since));
  families.Add("mae_jobs_without_series", "Jobs that are left out of mae_job_* and mae_train_*: too many.",
               {}, static_cast<double>(all - static_cast<int64_t>(records.size())));
  for (const JobRecord& record : records) {
    const MetricFamilies::Labels labels = {
        {"job", record.id}, {"kind", record.kind}, {"model", record.model}};
    AddInfo(record, labels, families);
    const auto summary = summaries_.Of(record);
    if (summary.ok()) {
      AddTrainerSeries(*summary, labels, IsEnded(record.state), families);
      AddCheckpoint(record, *summary, now, labels, families);
    } else {
      spdlog::warn("jobs/{} has no metrics: {}", record.id, summary.status().ToString());
    }
  }
  return absl::OkStatus();
}

std::vector<prometheus::MetricFamily> JobMetrics::Collect() const {
  MetricFamilies families;
  const absl::Status added = AddJobs(absl::Now(), families);
  if (!added.ok()) spdlog::error("can't read the jobs: {}", added.ToString());
  return families.Take();
}

}  // namespace mae
