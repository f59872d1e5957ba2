#include "train/step_trace.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mae {
namespace {

double Microseconds(StepTrace::Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::string LaneName(int lane) {
  return lane == StepTrace::kTraining ? "training" : absl::StrCat("part ", lane - 1, " of the batch");
}

void AppendName(const char* what, int lane, const std::string& name, std::string& json) {
  absl::StrAppendFormat(
      &json, "{\"name\": \"%s\", \"ph\": \"M\", \"pid\": 1, \"tid\": %d, \"args\": {\"name\": \"%s\"}},\n",
      what, lane, name);
}

double MedianOf(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

void StepTrace::BeginStep(int64_t step) {
  absl::MutexLock lock(&mutex_);
  step_ = step;
}

void StepTrace::Add(const char* name, int lane, Clock::time_point begin, Clock::time_point end) {
  absl::MutexLock lock(&mutex_);
  if (events_.size() < max_events_) {
    events_.push_back({name, lane, step_, begin, end});
  } else {
    ++dropped_;
  }
}

std::pair<StepTrace::Clock::time_point, StepTrace::Clock::time_point> StepTrace::Span() const {
  if (events_.empty()) return {};
  auto begin = events_[0].begin, end = events_[0].end;
  for (const Event& event : events_) {
    begin = std::min(begin, event.begin);
    end = std::max(end, event.end);
  }
  return {begin, end};
}

StepTrace::Summary StepTrace::SummaryOf(const char* name) const {
  Summary summary{name};
  std::vector<double> times;
  std::set<int> lanes;
  for (const Event& event : events_) {
    if (std::string_view(event.name) != name) continue;
    times.push_back(1e-3 * Microseconds(event.end - event.begin));
    summary.total_ms += times.back();
    lanes.insert(event.lane);
  }
  summary.count = static_cast<int64_t>(times.size());
  summary.median_ms = MedianOf(times);
  const auto [begin, end] = Span();
  const double spanned_ms = 1e-3 * Microseconds(end - begin) * static_cast<double>(lanes.size());
  summary.share = spanned_ms > 0.0 ? summary.total_ms / spanned_ms : 0.0;
  return summary;
}

std::vector<StepTrace::Summary> StepTrace::Summaries() const {
  absl::MutexLock lock(&mutex_);
  std::set<std::string_view> seen;
  std::vector<Summary> summaries;
  for (const Event& event : events_) {
    if (seen.insert(event.name).second) summaries.push_back(SummaryOf(event.name));
  }
  return summaries;
}

int64_t StepTrace::dropped() const {
  absl::MutexLock lock(&mutex_);
  return dropped_;
}

std::string StepTrace::ToJson() const {
  absl::MutexLock lock(&mutex_);
  std::string json = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  AppendName("process_name", kTraining, "mae_trainer", json);
  std::set<int> lanes = {kTraining};
  for (const Event& event : events_) lanes.insert(event.lane);
  for (const int lane : lanes) AppendName("thread_name", lane, LaneName(lane), json);
  const auto start = Span().first;
  for (const Event& event : events_) {
    absl::StrAppendFormat(&json,
                          "{\"name\": \"%s\", \"ph\": \"X\", \"pid\": 1, \"tid\": %d, \"ts\": %.3f, "
                          "\"dur\": %.3f, \"args\": {\"step\": %d}},\n",
                          event.name, event.lane, Microseconds(event.begin - start),
                          Microseconds(event.end - event.begin), event.step);
  }
  json.resize(json.size() - 2);  // the last comma
  return json + "\n]}\n";
}

}  // namespace mae
