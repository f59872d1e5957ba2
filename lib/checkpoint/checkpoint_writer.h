#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/manifest.h"
#include "checkpoint/training_checkpoint.h"

namespace mae {

/// Writes the checkpoints of one job into one folder, each whole or not at all; see
/// docs/formats/checkpoint.md.
///
///   auto writer = CheckpointWriter::Create(job.checkpoints(), keep_last, resumed_step);
///   writer->Stage({StateOf(*model), optimizer.State(), progress});
///   writer->Commit(progress.step);
///
/// One writer a folder at a time (the trainer's lock sees to it), on rank 0. Not thread-safe. Owns nothing
/// but what it has staged, which its destructor removes.
class CheckpointWriter {
 public:
  /// Makes the folder and sweeps what a writer that died left staged.
  /// @param keep_last checkpoints that stay after a commit, at least 1.
  /// @param resumed_step the step that ReadLatestCheckpoint gave; 0 for a new run. Checkpoints above it are
  /// damaged,
  ///   and are removed once the next one is safe.
  /// @return INVALID_ARGUMENT (keep_last below 1, no checkpoint of resumed_step), PERMISSION_DENIED, else
  ///   INTERNAL.
  static absl::StatusOr<CheckpointWriter> Create(std::filesystem::path folder, int64_t keep_last,
                                                 int64_t resumed_step);
  CheckpointWriter(CheckpointWriter&& other) noexcept;
  CheckpointWriter& operator=(CheckpointWriter&& other) noexcept;
  ~CheckpointWriter();

  /// Writes the checkpoint's files into a hidden folder, synced, in place of whatever was staged before;
  /// holds one tensor's copy in memory at most, and none for contiguous tensors on the CPU. Blocks for
  /// seconds.
  /// @return RESOURCE_EXHAUSTED (disk; bytes needed and free), INVALID_ARGUMENT (a step of 0 or below, a
  /// tensor
  ///   given twice), else INTERNAL; then nothing is staged.
  absl::Status Stage(const TrainingCheckpoint& checkpoint);

  /// Publishes what is staged as step-N/, all or nothing: reads each file back, writes the manifest (bytes,
  /// SHA-256), renames the folder, fsyncs the parent; then removes all but the last keep_last. OK means it
  /// survives power loss; on error readers still see the last step, nothing is staged, and the next Create()
  /// sweeps what is left. Blocks for seconds.
  /// @param step optimizer steps done, as staged; above resumed_step and every step committed before.
  /// @return FAILED_PRECONDITION (nothing staged, another step staged, step not above), RESOURCE_EXHAUSTED
  ///   (disk), DATA_LOSS (read-back differs), else INTERNAL.
  absl::Status Commit(int64_t step);

  /// How the removal of old checkpoints after the last commit went. An error costs disk, not data, so Commit
  /// does not report it; each commit tries again.
  const absl::Status& removal_status() const { return removal_status_; }

 private:
  CheckpointWriter(std::filesystem::path folder, int64_t keep_last, int64_t resumed_step,
                   std::vector<int64_t> abandoned);

  absl::Status CheckSpace(const TrainingCheckpoint& checkpoint) const;
  absl::Status WriteFiles(const TrainingCheckpoint& checkpoint);
  absl::Status CheckCommit(int64_t step) const;
  absl::Status Publish(int64_t step);
  absl::Status RemoveOld();
  void DropStaged();

  std::filesystem::path folder_;
  int64_t keep_last_;
  int64_t last_step_;               ///< resumed from, or committed last
  std::vector<int64_t> abandoned_;  ///< on disk above resumed_step when this writer began
  std::filesystem::path staging_;   ///< empty: nothing staged
  int64_t staged_step_ = 0;
  Manifest manifest_;  ///< of the staged files
  absl::Status removal_status_;
};

}  // namespace mae
