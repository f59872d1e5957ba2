#include "client/job_progress.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/readable.h"
#include "client/sparkline.h"

namespace mae {
namespace {

constexpr size_t kMaxLosses = 4096;
/// Before the name of a class: as many values as classes, too many for a line.
constexpr const char* kClassAccuracy = "class_accuracy/";

struct KnownMetric {
  const char* name;
  const char* label;  ///< stands before the value; empty: the metric isn't shown in a line
};
/// In the order of showing. The counters at the end are for dashboards.
constexpr std::array<KnownMetric, 9> kKnownMetrics = {{{"loss", "loss"},
                                                       {"validation_loss", "validation loss"},
                                                       {"accuracy", "accuracy"},
                                                       {"learning_rate", "lr"},
                                                       {"grad_norm", "grad norm"},
                                                       {"images_per_second", "images/s"},
                                                       {"images_total", ""},
                                                       {"data_wait_seconds_total", ""},
                                                       {"eta_seconds", ""}}};

std::string MetricText(const std::string& name, double value) {
  if (name == "images_per_second") return absl::StrCat(Grouped(std::llround(value)), " images/s");
  const auto known = std::find_if(kKnownMetrics.begin(), kKnownMetrics.end(),
                                  [&](const KnownMetric& metric) { return name == metric.name; });
  const std::string label = known == kKnownMetrics.end() ? name : known->label;
  return absl::StrCat(label, " ", ReadableNumber(value));
}

bool IsKnown(const std::string& name) {
  return std::any_of(kKnownMetrics.begin(), kKnownMetrics.end(),
                     [&](const KnownMetric& metric) { return name == metric.name; });
}

}  // namespace

bool IsEnded(v1::Job::State state) {
  return state == v1::Job::STOPPED || state == v1::Job::SUCCEEDED || state == v1::Job::FAILED;
}

void DataWait::Add(const v1::JobEvent::Metrics& metrics) {
  const auto& values = metrics.values();
  const auto rate = values.find("images_per_second");
  if (!values.contains("images_total") || !values.contains("data_wait_seconds_total")) return;
  const double images = values.at("images_total"), seconds = values.at("data_wait_seconds_total");
  if (rate != values.end() && images > images_) {
    share_ = std::clamp((seconds - seconds_) * rate->second / (images - images_), 0.0, 1.0);
  }
  images_ = images;
  seconds_ = seconds;
}

std::string DataWait::Text() const {
  return share_ < 0.01 ? "" : absl::StrCat("waits for data ", std::llround(100 * share_), " %");
}

bool JobProgress::ended() const { return IsEnded(state_); }

void JobProgress::Add(const v1::JobEvent& event, absl::Time now) {
  if (event.has_state()) {
    state_ = event.state().state();
    error_ = event.state().error();
    if (!event.state().published_version().empty()) {
      published_version_ = event.state().published_version();
      alias_moves_ = {event.state().alias_moves().begin(), event.state().alias_moves().end()};
    }
  }
  if (event.has_metrics()) AddMetrics(event.metrics(), now);
  if (event.has_checkpoint()) checkpoint_step_ = event.checkpoint().step();
}

void JobProgress::AddMetrics(const v1::JobEvent::Metrics& metrics, absl::Time now) {
  metrics_ = metrics;
  data_wait_.Add(metrics);
  for (const auto& [name, value] : metrics.values()) newest_[name] = value;
  if (metrics.values().contains("eta_seconds")) metrics_time_ = now;
  if (metrics.values().contains("loss")) losses_.push_back(metrics.values().at("loss"));
  if (losses_.size() > kMaxLosses) losses_ = Thinned(losses_, kMaxLosses / 2);
}

double JobProgress::fraction() const {
  if (metrics_.total_steps() <= 0) return 0;
  const double done = static_cast<double>(metrics_.step()) / static_cast<double>(metrics_.total_steps());
  return std::clamp(done, 0.0, 1.0);
}

absl::Duration JobProgress::Eta(absl::Time now) const {
  const auto eta = newest_.find("eta_seconds");
  if (eta == newest_.end()) return absl::Seconds(-1);
  return std::max(absl::ZeroDuration(), absl::Seconds(eta->second) - (now - metrics_time_));
}

std::string MetricsText(const std::map<std::string, double>& values) {
  std::vector<std::string> parts;
  for (const KnownMetric& metric : kKnownMetrics) {
    const auto value = values.find(metric.name);
    if (value != values.end() && *metric.label != '\0')
      parts.push_back(MetricText(metric.name, value->second));
  }
  for (const auto& [name, value] : values) {
    const bool counts_nothing = absl::EndsWith(name, "_total") && value == 0;
    if (!IsKnown(name) && !counts_nothing && !absl::StartsWith(name, kClassAccuracy))
      parts.push_back(MetricText(name, value));
  }
  return absl::StrJoin(parts, "  ");
}

std::string AliasMoveText(const v1::AliasMove& move) {
  return absl::StrCat(move.alias(), move.moved() ? " moved: " : " stays: ", move.reason());
}

std::vector<std::string> ResultLines(const std::map<std::string, double>& values) {
  std::vector<std::string> lines;
  for (const char* name : {"accuracy", "top5_accuracy", "validation_loss", "loss"}) {
    const auto value = values.find(name);
    if (value != values.end()) lines.push_back(absl::StrCat(name, "  ", ReadableNumber(value->second)));
  }
  for (const auto& [name, value] : values) {
    if (absl::StartsWith(name, kClassAccuracy))
      lines.push_back(
          absl::StrCat("accuracy of ", absl::StripPrefix(name, kClassAccuracy), "  ", ReadableNumber(value)));
  }
  return lines;
}

}  // namespace mae
