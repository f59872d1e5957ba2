#include "client/live_view.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/output.h"
#include "client/plain_view.h"
#include "client/readable.h"
#include "client/sparkline.h"

namespace mae {
namespace {

constexpr absl::Duration kRedrawEvery = absl::Milliseconds(200);

/// Leaves out what would wrap: a wrapped line breaks the count of lines to move up.
std::string Clipped(const std::string& line, int columns) {
  std::string clipped;
  int width = 0;
  for (size_t i = 0; i < line.size();) {
    size_t end = i + 1;
    if (line[i] == '\x1b') {
      end = std::min(line.find('m', i) + 1, line.size());
    } else {
      while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) ++end;
      if (++width > columns) {
        i = end;
        continue;
      }
    }
    clipped.append(line, i, end - i);
    i = end;
  }
  return clipped;
}

std::string Colored(const std::string& text, const char* code, ColorDepth colors) {
  return colors == ColorDepth::kNone ? text : absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

const char* ColorOf(v1::Job::State state) {
  if (state == v1::Job::FAILED) return "31";
  if (state == v1::Job::SUCCEEDED) return "32";
  return state == v1::Job::RUNNING ? "36" : "33";
}

std::string Headline(const std::string& job, const JobProgress& progress, ColorDepth colors) {
  const auto& metrics = progress.metrics();
  const std::string state = progress.state() == v1::Job::STATE_UNSPECIFIED
                                ? "waiting for events"
                                : v1::Job::State_Name(progress.state());
  std::string line = absl::StrCat(job, "  ", Colored(state, ColorOf(progress.state()), colors));
  if (metrics.epochs() > 0)
    absl::StrAppend(&line, absl::StrFormat("  epoch %.2f/%d", metrics.epoch(), metrics.epochs()));
  if (progress.checkpoint_step() > 0)
    absl::StrAppend(&line, "  checkpoint at step ", progress.checkpoint_step());
  return line;
}

std::string BarLine(const JobProgress& progress, absl::Time now, int columns, ColorDepth colors) {
  const auto& metrics = progress.metrics();
  std::string tail = absl::StrFormat(" %3.0f %%  step %d/%d", std::floor(progress.fraction() * 100),
                                     metrics.step(), metrics.total_steps());
  const absl::Duration eta = progress.Eta(now);
  if (eta >= absl::ZeroDuration() && !progress.ended())
    absl::StrAppend(&tail, "  ETA ", ReadableDuration(eta));
  const int width = std::clamp(columns - DisplayWidth(tail), 10, 60);
  return Colored(ProgressBar(progress.fraction(), width), "36", colors) + tail;
}

/// Events worth a line that stays; the others show in the foot alone.
bool Stays(const v1::JobEvent& event) {
  if (event.has_metrics()) return EndsAPass(event.metrics());
  return !event.has_checkpoint() && IsWorthALine(event);
}

}  // namespace

std::string ProgressBar(double fraction, int columns) {
  const int halves = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * columns * 2);
  std::string bar;
  for (int c = 0; c < columns; ++c) {
    if (2 * c + 2 <= halves) {
      bar += "━";
    } else {
      bar += 2 * c + 1 <= halves ? "╸" : "─";
    }
  }
  return bar;
}

std::vector<std::string> LiveLines(const std::string& job, const JobProgress& progress, absl::Time now,
                                   int columns, ColorDepth colors) {
  std::vector<std::string> lines = {Headline(job, progress, colors)};
  if (progress.metrics().total_steps() > 0) {
    lines.push_back(BarLine(progress, now, columns, colors));
    lines.push_back(MetricsText(progress.newest()));
    if (const auto wait = progress.data_wait().Text(); !wait.empty())
      absl::StrAppend(&lines.back(), "  ", wait);
  }
  if (progress.losses().size() > 1) {
    lines.push_back(absl::StrCat("loss ", Sparkline(progress.losses(), std::min(60, columns - 5))));
  }
  for (std::string& line : lines) line = Clipped(line, columns);
  return lines;
}

LiveView::LiveView(std::string job) : job_(std::move(job)), drawer_([this] { RedrawUntilClosed(); }) {}

LiveView::~LiveView() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  drawer_.Join();
}

void LiveView::Show(const v1::JobEvent& event) {
  absl::MutexLock lock(&mutex_);
  progress_.Add(event, absl::Now());
  if (Stays(event)) above_.push_back(EventLine(event));
}

void LiveView::Notice(absl::string_view line) {
  absl::MutexLock lock(&mutex_);
  above_.emplace_back(line);
}

void LiveView::RedrawUntilClosed() {
  WriteStderr("\x1b[?25l");
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&closed_), kRedrawEvery)) Redraw();
  Redraw();
  WriteStderr("\x1b[?25h");
}

void LiveView::Redraw() {
  const int columns = TerminalColumns(STDERR_FILENO);
  std::vector<std::string> lines =
      LiveLines(job_, progress_, absl::Now(), columns - 1, ColorsOf(STDERR_FILENO));
  if (above_.empty() && lines == drawn_) return;
  std::string text = drawn_.empty() ? "" : absl::StrCat("\x1b[", drawn_.size(), "A");
  above_.insert(above_.end(), lines.begin(), lines.end());
  for (const std::string& line : above_) absl::StrAppend(&text, "\r\x1b[2K", line, "\n");
  above_.clear();
  drawn_ = std::move(lines);
  WriteStderr(text);
}

}  // namespace mae
