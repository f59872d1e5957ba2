#include "server/job_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>
#include <spdlog/spdlog.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "job/job_db.h"

namespace mae {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr JobState kAllStates[] = {JobState::kQueued,   JobState::kStarting, JobState::kRunning,
                                   JobState::kStopping, JobState::kStopped,  JobState::kSucceeded,
                                   JobState::kFailed};
constexpr int64_t kMostJobs = 1000;

// Families by name: a metric of several jobs is one family.
class Families {
 public:
  void Add(const std::string& name, std::vector<ClientMetric::Label> labels, double value) {
    const bool counts = absl::EndsWith(name, "_total");
    MetricFamily& family = families_[name];
    family.name = name;
    family.type = counts ? MetricType::Counter : MetricType::Gauge;
    ClientMetric metric;
    metric.label = std::move(labels);
    (counts ? metric.counter.value : metric.gauge.value) = value;
    family.metric.push_back(std::move(metric));
  }

  std::vector<MetricFamily> Take() {
    std::vector<MetricFamily> all;
    for (auto& [name, family] : families_) all.push_back(std::move(family));
    return all;
  }

 private:
  std::map<std::string, MetricFamily> families_;
};

void AddProgress(const JobRecord& record, const JobSummary& summary, Families& families) {
  const std::vector<ClientMetric::Label> labels = {
      {"job", record.id}, {"kind", record.kind}, {"model", record.model}};
  for (const auto& [name, value] : summary.metrics.values) {
    // One value a class ("class_accuracy/LABEL") is for those who asked; no name of Prometheus has a slash.
    if (absl::StrContains(name, '/')) continue;
    families.Add(absl::StrCat("mae_train_", name), labels, value);
  }
  families.Add("mae_train_step", labels, static_cast<double>(summary.metrics.step));
  families.Add("mae_train_epoch", labels, summary.metrics.epoch);
  families.Add("mae_train_epochs", labels, static_cast<double>(summary.metrics.epochs));
  if (summary.checkpoint_time) {
    families.Add("mae_train_checkpoint_age_seconds", labels,
                 absl::ToDoubleSeconds(absl::Now() - *summary.checkpoint_time));
  }
}

void AddJob(const JobRecord& record, const JobLedger& ledger, Families& families) {
  families.Add("mae_job_info",
               {{"job", record.id},
                {"kind", record.kind},
                {"model", record.model},
                {"recipe", record.recipe},
                {"state", std::string(JobStateName(record.state))}},
               1);
  const auto reader = JobDbReader::Open(ledger.Folder(record.id).database());
  const auto summary = reader.ok() ? (*reader)->Summary() : reader.status();
  if (summary.ok()) {
    AddProgress(record, *summary, families);
  } else {
    spdlog::warn("jobs/{} has no metrics: {}", record.id, summary.status().ToString());
  }
}

}  // namespace

std::vector<MetricFamily> JobMetrics::Collect() const {
  Families families;
  auto counts = table_.CountByState();
  const auto active =
      table_.List(0, kMostJobs, {JobState::kStarting, JobState::kRunning, JobState::kStopping});
  if (!counts.ok() || !active.ok()) {
    spdlog::error("can't read the jobs: {}", (counts.ok() ? active.status() : counts.status()).ToString());
    return {};
  }
  for (const JobState state : kAllStates) {
    families.Add("mae_jobs", {{"state", std::string(JobStateName(state))}},
                 static_cast<double>((*counts)[state]));
  }
  for (const JobRecord& record : *active) AddJob(record, ledger_, families);
  return families.Take();
}

}  // namespace mae
