#include "client/transfer_progress.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/live_view.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/terminal.h"

namespace mae {
namespace {

constexpr absl::Duration kBetweenLines = absl::Milliseconds(100);
constexpr absl::Duration kUntilSpeedIsKnown = absl::Seconds(1);
constexpr const char* kEraseLine = "\r\x1b[2K";

// A name may be anything: of a long one the end is shown.
std::string ShownName(const std::string& name) {
  constexpr size_t kShown = 32;
  const std::string tail =
      name.size() <= kShown ? name : absl::StrCat("...", name.substr(name.size() - kShown));
  return absl::Utf8SafeCEscape(tail);
}

}  // namespace

std::string TransferLine(const std::string& what, int64_t bytes, int64_t skipped, int64_t total,
                         absl::Duration spent, int columns) {
  const double share = total == 0 ? 1.0 : static_cast<double>(bytes) / static_cast<double>(total);
  std::string tail =
      absl::StrFormat(" %3.0f %%  %s of %s", share * 100, ReadableBytes(bytes), ReadableBytes(total));
  if (spent >= kUntilSpeedIsKnown && bytes > skipped) {
    const double a_second = static_cast<double>(bytes - skipped) / absl::ToDoubleSeconds(spent);
    absl::StrAppend(
        &tail, "  ", ReadableBytes(static_cast<int64_t>(a_second)), "/s  ETA ",
        ReadableDuration(absl::Seconds(static_cast<double>(total - bytes) / std::max(1.0, a_second))));
  }
  const int width = columns - static_cast<int>(what.size() + 1 + tail.size()) - 1;
  return absl::StrCat(what, " ", ProgressBar(share, std::clamp(width, 10, 40)), tail);
}

TransferProgress::TransferProgress(std::string verb, int64_t total_bytes, bool quiet)
    : verb_(std::move(verb)),
      total_bytes_(total_bytes),
      draws_(!quiet && IsLiveTerminal(STDERR_FILENO)),
      begun_(absl::Now()) {}

TransferProgress::~TransferProgress() {
  if (draws_) WriteStderr(kEraseLine);
}

void TransferProgress::Draw(const std::string& line) {
  if (draws_) WriteStderr(absl::StrCat(kEraseLine, line));
}

void TransferProgress::Add(const std::string& file, int64_t bytes) {
  bytes_ += bytes;
  const absl::Time now = absl::Now();
  if (now < drawn_ + kBetweenLines) return;
  drawn_ = now;
  Draw(TransferLine(absl::StrCat(verb_, " ", ShownName(file)), skipped_ + bytes_, skipped_, total_bytes_,
                    now - begun_, TerminalColumns(STDERR_FILENO)));
}

void TransferProgress::Say(const std::string& what) { Draw(what); }

}  // namespace mae
