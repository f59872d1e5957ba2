#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "job/job_state.h"

namespace mae {

struct StateEvent {
  JobState state = JobState::kQueued;
  absl::Status error;  ///< set with kFailed: what happened and what to do
  bool operator==(const StateEvent&) const = default;
};

struct MetricsEvent {
  int64_t step = 0;         ///< batches trained on; of a job that trains nothing, images looked at
  int64_t total_steps = 0;  ///< of the whole job
  double epoch = 0;         ///< epochs done, with the part of the present one
  int64_t epochs = 0;       ///< of the whole job
  /// loss, learning_rate, grad_norm, images_per_second, images_total, data_wait_seconds_total, eta_seconds;
  /// after an epoch validation_loss and, for classifiers, accuracy.
  std::map<std::string, double> values;
  bool operator==(const MetricsEvent&) const = default;
};

struct PictureEvent {
  int64_t epoch = 0;
  std::string caption;
  std::string path;  ///< relative to the job folder
  bool operator==(const PictureEvent&) const = default;
};

/// The newest checkpoint from now on: a new one, or an older one that the job went back to.
struct CheckpointEvent {
  int64_t step = 0;  ///< 0: there is none
  std::string path;  ///< relative to the job folder; empty: there is none
  bool operator==(const CheckpointEvent&) const = default;
};

struct LogEvent {
  std::string severity;  ///< debug, info, warning, error
  std::string text;
  bool operator==(const LogEvent&) const = default;
};

/// The job's processes lost one another, or Slurm took them away; all begin again from its last checkpoint.
struct RestartEvent {
  std::string text;  ///< what was the matter, for people
  bool operator==(const RestartEvent&) const = default;
};

/// Something that happened to a job. Sequence numbers count up from 1 without gaps.
struct JobEvent {
  int64_t sequence = 0;
  absl::Time time;
  std::variant<StateEvent, MetricsEvent, PictureEvent, CheckpointEvent, LogEvent, RestartEvent> event;
};

}  // namespace mae
