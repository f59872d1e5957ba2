#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/joined_thread.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/training_checkpoint.h"

namespace mae {

/// Stages and commits checkpoints on a thread of its own, so that training goes on meanwhile: Write copies
/// and returns. One checkpoint is in flight at most, so that one copy of the weights and moments is all the
/// memory it takes: the next Write waits for the one before.
///
/// Methods are for one thread, the training one. Owns the writer and the thread; the destructor finishes what
/// is in flight and joins. Outcomes are asked for, not called back, since whoever records them (job.db) has
/// one thread too.
class BackgroundCheckpointWriter {
 public:
  /// What became of one checkpoint.
  struct Outcome {
    int64_t step = 0;
    absl::Status status;   ///< of Stage and Commit
    absl::Status removal;  ///< CheckpointWriter::removal_status
  };

  explicit BackgroundCheckpointWriter(CheckpointWriter writer);
  ~BackgroundCheckpointWriter();
  BackgroundCheckpointWriter(const BackgroundCheckpointWriter&) = delete;
  BackgroundCheckpointWriter& operator=(const BackgroundCheckpointWriter&) = delete;

  /// Waits for the checkpoint in flight, copies this one, and hands it to the thread.
  /// @return RESOURCE_EXHAUSTED if memory for the copy ran out: there will be no outcome then.
  absl::Status Write(const TrainingCheckpoint& checkpoint) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Outcomes since the last call, in the order of the writes. Never waits for the disk.
  std::vector<Outcome> TakeOutcomes() ABSL_LOCKS_EXCLUDED(mutex_);

  /// Waits until nothing is in flight.
  void Wait() ABSL_LOCKS_EXCLUDED(mutex_);

  /// CheckpointWriter::GoBackTo, after what is in flight.
  absl::Status GoBackTo(int64_t step) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  bool IsIdle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !in_flight_.has_value(); }
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return closing_ || in_flight_.has_value(); }

  CheckpointWriter writer_;  ///< of the thread while something is in flight, else of the caller

  absl::Mutex mutex_;
  std::optional<TrainingCheckpoint> in_flight_ ABSL_GUARDED_BY(mutex_);
  std::vector<Outcome> outcomes_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  JoinedThread thread_;
};

}  // namespace mae
