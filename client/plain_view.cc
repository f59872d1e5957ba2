#include "client/plain_view.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/job_progress.h"
#include "client/output.h"
#include "client/readable.h"

namespace mae {
namespace {

std::string StateText(const v1::JobEvent::StateChange& change) {
  std::string text = v1::Job::State_Name(change.state());
  // The whole error, with what the trainer said last, ends the watch.
  const std::string& message = change.error().message();
  if (change.has_error()) absl::StrAppend(&text, ": ", message.substr(0, message.find('\n')));
  if (!change.published_version().empty()) absl::StrAppend(&text, ", published ", change.published_version());
  return text;
}

std::string MetricsLine(const v1::JobEvent::Metrics& metrics) {
  const std::map<std::string, double> values(metrics.values().begin(), metrics.values().end());
  // A validation pass ends an epoch.
  if (EndsAPass(metrics)) {
    return absl::StrFormat("epoch %.4g/%d done  %s", metrics.epoch(), metrics.epochs(), MetricsText(values));
  }
  std::string text = absl::StrFormat("step %d/%d  epoch %.4g/%d  %s", metrics.step(), metrics.total_steps(),
                                     metrics.epoch(), metrics.epochs(), MetricsText(values));
  const auto eta = values.find("eta_seconds");
  if (eta != values.end())
    absl::StrAppend(&text, "  ", ReadableDuration(absl::Seconds(eta->second)), " left");
  return text;
}

std::string PictureText(const v1::JobEvent::Picture& picture) {
  const std::string when =
      picture.epoch() == 0 ? "before training" : absl::StrCat("after epoch ", picture.epoch());
  std::string text = absl::StrCat("picture ", when, ": ", picture.path());
  if (!picture.caption().empty()) absl::StrAppend(&text, " (", picture.caption(), ")");
  return text;
}

std::string EventText(const v1::JobEvent& event) {
  switch (event.event_case()) {
    case v1::JobEvent::kState:
      return StateText(event.state());
    case v1::JobEvent::kMetrics:
      return MetricsLine(event.metrics());
    case v1::JobEvent::kPicture:
      return PictureText(event.picture());
    case v1::JobEvent::kCheckpoint:
      if (event.checkpoint().step() == 0) return "no checkpoint is left";
      return absl::StrCat("checkpoint at step ", event.checkpoint().step());
    case v1::JobEvent::kLog:
      return absl::StrCat(event.log().severity(), ": ", event.log().text());
    case v1::JobEvent::EVENT_NOT_SET:
      break;
  }
  return "an event that this mae_client does not know: its version is older than the server's";
}

}  // namespace

std::string EventLine(const v1::JobEvent& event) {
  const std::string time = absl::FormatTime("%H:%M:%S", TimeFrom(event.time()), absl::LocalTimeZone());
  return absl::StrCat(time, "  ", absl::StripTrailingAsciiWhitespace(EventText(event)));
}

bool EndsAPass(const v1::JobEvent::Metrics& metrics) {
  return metrics.values().contains("validation_loss") || metrics.values().contains("accuracy");
}

bool IsWorthALine(const v1::JobEvent& event) {
  return !event.has_log() || event.log().severity() == "warning" || event.log().severity() == "error";
}

void PlainView::Show(const v1::JobEvent& event) {
  if (event.has_metrics()) data_wait_.Add(event.metrics());
  if (quiet_ || !IsWorthALine(event)) return;
  std::string line = EventLine(event);
  const bool is_step = event.has_metrics() && !EndsAPass(event.metrics());
  if (const auto wait = data_wait_.Text(); is_step && !wait.empty()) absl::StrAppend(&line, "  ", wait);
  WriteStderr(absl::StrCat(line, "\n"));
}

void PlainView::Notice(absl::string_view line) {
  if (!quiet_) WriteStderr(absl::StrCat(line, "\n"));
}

void JsonLinesView::Show(const v1::JobEvent& event) {
  v1::JobEvent shown = event;
  if (shown.has_picture()) shown.mutable_picture()->clear_png();
  if (const auto line = ToJsonLine(shown); line.ok()) WriteStdout(*line);
  // A reader of the pipe must see an event when it happens.
  FlushStdout().IgnoreError();
}

void JsonLinesView::Notice(absl::string_view line) {
  if (!quiet_) WriteStderr(absl::StrCat(line, "\n"));
}

}  // namespace mae
