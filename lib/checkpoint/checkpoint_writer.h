#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/manifest.h"
#include "checkpoint/training_checkpoint.h"

namespace mae {

/// Decides which checkpoints go once another one is safe. A pure function: it is called on the thread that
/// commits.
/// @param steps of all that are there, lowest first, the new one among them.
/// @param newest what the new one says of the run.
/// @return the steps of those to remove.
using Retention =
    std::function<std::vector<int64_t>(const std::vector<int64_t>& steps, const TrainingProgress& newest)>;

/// Writes the checkpoints of one job into one folder, each whole or not at all; see
/// docs/formats/checkpoint.md.
///
///   auto writer = CheckpointWriter::Create(job.checkpoints(), retention, resumed_step);
///   writer->Stage({StateOf(*model), optimizer.State(), progress});
///   writer->Commit(progress.step);
///
/// One writer a folder at a time (the trainer's lock sees to it), on rank 0. Not thread-safe. Owns nothing
/// but what it has staged, which its destructor removes.
class CheckpointWriter {
 public:
  /// Makes the folder and sweeps what a writer that died left staged.
  /// @param retention which go after a commit.
  /// @param resumed_step the step that ReadLatestCheckpoint gave; 0 for a new run. Checkpoints above it are
  ///   damaged, and are removed once the next one is safe.
  /// @return INVALID_ARGUMENT (no checkpoint of resumed_step), PERMISSION_DENIED, else INTERNAL.
  static absl::StatusOr<CheckpointWriter> Create(std::filesystem::path folder, Retention retention,
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
  /// SHA-256), renames the folder, fsyncs the parent; then removes what the retention names. OK means it
  /// survives power loss; on error readers still see the last step, nothing is staged, and the next Create()
  /// sweeps what is left. Blocks for seconds.
  /// @param step batches trained on, as staged; above resumed_step and every step committed before.
  /// @return FAILED_PRECONDITION (nothing staged, another step staged, step not above), RESOURCE_EXHAUSTED
  ///   (disk), DATA_LOSS (read-back differs), else INTERNAL.
  absl::Status Commit(int64_t step);

  /// The run goes on from an older checkpoint than the last: those above it are removed once the next is
  /// safe, as after Create with that resumed_step. Drops what is staged.
  /// @param step of a checkpoint that is there; 0: the run begins anew.
  absl::Status GoBackTo(int64_t step);

  /// How the removal of old checkpoints after the last commit went. An error costs disk, not data, so Commit
  /// does not report it; each commit tries again.
  const absl::Status& removal_status() const { return removal_status_; }

 private:
  CheckpointWriter(std::filesystem::path folder, Retention retention, int64_t resumed_step,
                   std::vector<int64_t> abandoned);

  absl::Status CheckSpace(const TrainingCheckpoint& checkpoint) const;
  absl::Status WriteFiles(const TrainingCheckpoint& checkpoint);
  absl::Status CheckCommit(int64_t step) const;
  absl::Status Publish(int64_t step);
  absl::Status RemoveOld();
  void DropStaged();

  std::filesystem::path folder_;
  Retention retention_;
  int64_t last_step_;               ///< resumed from, or committed last
  std::vector<int64_t> abandoned_;  ///< on disk above resumed_step when this writer began
  std::filesystem::path staging_;   ///< empty: nothing staged
  TrainingProgress staged_;         ///< of the staged checkpoint
  Manifest manifest_;               ///< of the staged files
  absl::Status removal_status_;
};

}  // namespace mae
