#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "job/job_db.h"
#include "job/job_event.h"
#include "job/tensorboard_writer.h"

namespace mae {

/// What a running job says of itself: events into job.db, the same in words to whoever listens to the
/// process, and curves and pictures to TensorBoard. Training does not end because it cannot be told of: an
/// event that job.db refuses (a full disk) is said in words as an error, and written before the next one,
/// which tries again; kMostUnwritten are kept so, the newest, but none that is refused for what it is. States
/// are the exception, since the server acts on them. Torch-free header. One thread.
class JobRecorder {
 public:
  static constexpr size_t kMostUnwritten = 1000;

  /// Where words go: the process's log. Not called concurrently.
  using Words = std::function<void(const LogEvent&)>;

  /// @param db outlives the recorder, as does `tensorboard`.
  /// @param tensorboard nullptr: no event files.
  JobRecorder(JobDbWriter& db, Words words, TensorboardWriter* tensorboard = nullptr);
  /// Of a rank beside the first one, which records for all: words alone.
  explicit JobRecorder(Words words);

  /// Errors of JobDbWriter::Append.
  absl::Status State(JobState state, const absl::Status& error = absl::OkStatus());

  /// The job goes on from this checkpoint (step 0: from the beginning): what was recorded beyond it is taken
  /// back (JobDbWriter::RewindTo).
  absl::Status ResumeAt(const CheckpointEvent& start);

  void Metrics(const MetricsEvent& event) { Append(event); }
  void Picture(const PictureEvent& event) { Append(event); }
  /// For TensorBoard alone.
  void Distribution(int64_t step, const std::string& tag, const Histogram& histogram);
  void Checkpoint(const CheckpointEvent& event) { Append(event); }

  void Info(const std::string& text) { Say({"info", text}); }
  void Warning(const std::string& text) { Say({"warning", text}); }
  void Error(const std::string& text) { Say({"error", text}); }

 private:
  void Say(const LogEvent& event);
  void Append(const decltype(JobEvent::event)& event);
  // What waits, in order. The first error ends it.
  absl::Status WriteWaiting();

  // An event file that can't be written to is said once and done without.
  void Mirror(const absl::Status& status);

  JobDbWriter* const db_;  ///< nullptr: nothing is recorded
  const Words words_;
  TensorboardWriter* tensorboard_;
  std::deque<decltype(JobEvent::event)> unwritten_;
};

}  // namespace mae
