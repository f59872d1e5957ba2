#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"
#include "client/job_progress.h"
#include "client/job_view.h"
#include "client/terminal.h"

namespace mae {

/// A few lines at the foot of the terminal on stderr that are drawn again as the job goes on: state, progress
/// bar, ETA, newest metrics, the loss as a sparkline. What should stay (epoch summaries, pictures, warnings)
/// scrolls above them. A thread of its own redraws five times a second. The lines stay when it is destroyed.
/// Thread-safe.
class LiveView : public JobView {
 public:
  explicit LiveView(std::string job);
  ~LiveView() override;
  void Show(const v1::JobEvent& event) override ABSL_LOCKS_EXCLUDED(mutex_);
  void Notice(absl::string_view line) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void RedrawUntilClosed() ABSL_LOCKS_EXCLUDED(mutex_);
  void Redraw() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string job_;
  absl::Mutex mutex_;
  JobProgress progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> above_ ABSL_GUARDED_BY(mutex_);  ///< lines that wait to be written for good
  std::vector<std::string> drawn_ ABSL_GUARDED_BY(mutex_);  ///< the lines at the foot
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  JoinedThread drawer_;
};

/// The lines of the view, each at most `columns` wide. Pure.
std::vector<std::string> LiveLines(const std::string& job, const JobProgress& progress, absl::Time now,
                                   int columns, ColorDepth colors);

/// "━━━━━╸────" of `columns`, filled to `fraction`. Pure.
std::string ProgressBar(double fraction, int columns);

}  // namespace mae
