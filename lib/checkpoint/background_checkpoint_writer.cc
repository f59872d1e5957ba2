#include "checkpoint/background_checkpoint_writer.h"

#include <utility>

#include "base/status_macros.h"

namespace mae {
namespace {

absl::Status StageAndCommit(const TrainingCheckpoint& checkpoint, CheckpointWriter& writer) {
  MAE_RETURN_IF_ERROR(writer.Stage(checkpoint));
  return writer.Commit(checkpoint.progress.step);
}

}  // namespace

BackgroundCheckpointWriter::BackgroundCheckpointWriter(CheckpointWriter writer)
    : writer_(std::move(writer)), thread_([this] { Loop(); }) {}

BackgroundCheckpointWriter::~BackgroundCheckpointWriter() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  thread_.Join();
}

absl::Status BackgroundCheckpointWriter::Write(const TrainingCheckpoint& checkpoint) {
  Wait();  // Before the copy: two of them would be in memory else.
  MAE_ASSIGN_OR_RETURN(TrainingCheckpoint copy, CopyOf(checkpoint));
  absl::MutexLock lock(&mutex_);
  in_flight_ = std::move(copy);
  return absl::OkStatus();
}

std::vector<BackgroundCheckpointWriter::Outcome> BackgroundCheckpointWriter::TakeOutcomes() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(outcomes_, {});
}

void BackgroundCheckpointWriter::Wait() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &BackgroundCheckpointWriter::IsIdle));
}

absl::Status BackgroundCheckpointWriter::GoBackTo(int64_t step) {
  Wait();
  return writer_.GoBackTo(step);
}

void BackgroundCheckpointWriter::Loop() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    mutex_.Await(absl::Condition(this, &BackgroundCheckpointWriter::HasWork));
    if (!in_flight_) return;
    // Only this thread empties the slot, and nobody else touches what is in it.
    const TrainingCheckpoint& checkpoint = *in_flight_;
    Outcome outcome;
    outcome.step = checkpoint.progress.step;
    mutex_.Unlock();
    outcome.status = StageAndCommit(checkpoint, writer_);
    outcome.removal = writer_.removal_status();
    mutex_.Lock();
    outcomes_.push_back(std::move(outcome));
    in_flight_.reset();
  }
}

}  // namespace mae
