#include "checkpoint/checkpoint_writer.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/hidden_name.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

fs::path HiddenPath(const fs::path& folder, absl::string_view purpose, int64_t step) {
  return folder / absl::StrCat(kHiddenPrefix, purpose, CheckpointFolderName(step), ".", getpid());
}

absl::Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) return SystemError("make folder", folder, error.value());
  return made && folder.has_parent_path() ? SyncFolder(folder.parent_path()) : absl::OkStatus();
}

absl::Status RemoveTree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? SystemError("remove", path, error.value()) : absl::OkStatus();
}

absl::Status Sweep(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator i(folder, error); !error && i != fs::directory_iterator(); i.increment(error)) {
    if (absl::StartsWith(i->path().filename().string(), kHiddenPrefix)) leftovers.push_back(i->path());
  }
  if (error) return SystemError("list", folder, error.value());
  for (const auto& path : leftovers) MAE_RETURN_IF_ERROR(RemoveTree(path));
  return absl::OkStatus();
}

// Hidden first, so that no reader meets half a checkpoint.
absl::Status RemoveCheckpoint(const fs::path& folder, int64_t step) {
  const fs::path hidden = HiddenPath(folder, "removed-", step);
  MAE_RETURN_IF_ERROR(RenameDurably(folder / CheckpointFolderName(step), hidden));
  return RemoveTree(hidden);
}

int64_t BytesOf(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors)
    bytes += tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
  return bytes;
}

// Steps of whole or damaged checkpoints above one that the run goes on from.
absl::StatusOr<std::vector<int64_t>> StepsAbove(const fs::path& folder, int64_t step) {
  MAE_ASSIGN_OR_RETURN(std::vector<int64_t> steps, ListCheckpointSteps(folder));
  if (step != 0 && !std::binary_search(steps.begin(), steps.end(), step)) {
    return absl::InvalidArgumentError(absl::StrCat("no checkpoint of step ", step, " in ", folder.string(),
                                                   ": resume from the step that ReadLatestCheckpoint gives"));
  }
  steps.erase(steps.begin(), std::upper_bound(steps.begin(), steps.end(), step));
  return steps;
}

absl::StatusOr<FileDigest> WriteTensors(const fs::path& path, const NamedTensors& tensors) {
  MAE_ASSIGN_OR_RETURN(std::string sha256, WriteSafetensors(path, tensors));
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return SystemError("examine", path, error.value());
  return FileDigest{static_cast<int64_t>(size), std::move(sha256)};
}

}  // namespace

absl::StatusOr<CheckpointWriter> CheckpointWriter::Create(fs::path folder, Retention retention,
                                                          int64_t resumed_step) {
  MAE_RETURN_IF_ERROR(MakeFolder(folder));
  MAE_RETURN_IF_ERROR(Sweep(folder));
  MAE_ASSIGN_OR_RETURN(std::vector<int64_t> above, StepsAbove(folder, resumed_step));
  return CheckpointWriter(std::move(folder), std::move(retention), resumed_step, std::move(above));
}

CheckpointWriter::CheckpointWriter(fs::path folder, Retention retention, int64_t resumed_step,
                                   std::vector<int64_t> abandoned)
    : folder_(std::move(folder)),
      retention_(std::move(retention)),
      last_step_(resumed_step),
      abandoned_(std::move(abandoned)) {}

CheckpointWriter::CheckpointWriter(CheckpointWriter&& other) noexcept
    : folder_(std::move(other.folder_)),
      retention_(std::move(other.retention_)),
      last_step_(other.last_step_),
      abandoned_(std::move(other.abandoned_)),
      staging_(std::exchange(other.staging_, {})),
      staged_(std::move(other.staged_)),
      manifest_(std::move(other.manifest_)),
      removal_status_(std::move(other.removal_status_)) {}

CheckpointWriter& CheckpointWriter::operator=(CheckpointWriter&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(retention_, other.retention_);
  std::swap(last_step_, other.last_step_);
  std::swap(abandoned_, other.abandoned_);
  std::swap(staging_, other.staging_);
  std::swap(staged_, other.staged_);
  std::swap(manifest_, other.manifest_);
  std::swap(removal_status_, other.removal_status_);
  return *this;
}

CheckpointWriter::~CheckpointWriter() { DropStaged(); }

absl::Status CheckpointWriter::Stage(const TrainingCheckpoint& checkpoint) {
  DropStaged();
  if (checkpoint.progress.step < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("step is ", checkpoint.progress.step, ": a checkpoint has at least 1"));
  }
  MAE_RETURN_IF_ERROR(CheckSpace(checkpoint));
  staged_ = checkpoint.progress;
  staging_ = HiddenPath(folder_, "", staged_.step);
  absl::Status status = WriteFiles(checkpoint);
  if (!status.ok()) DropStaged();
  return status;
}

// Early and in numbers; a disk that fills while files are written is still met by the write itself.
absl::Status CheckpointWriter::CheckSpace(const TrainingCheckpoint& checkpoint) const {
  constexpr int64_t kHeadersAndState = int64_t{1} << 20;
  const int64_t needed = BytesOf(checkpoint.model) + BytesOf(checkpoint.optimizer) + kHeadersAndState;
  MAE_ASSIGN_OR_RETURN(const int64_t free, FreeBytes(folder_));
  if (free >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("a checkpoint needs ", needed, " bytes, the disk of ",
                                                   folder_.string(), " has ", free,
                                                   " free: make room, or set checkpoint.keep_last lower"));
}

absl::Status CheckpointWriter::WriteFiles(const TrainingCheckpoint& checkpoint) {
  MAE_RETURN_IF_ERROR(RemoveTree(staging_));
  MAE_RETURN_IF_ERROR(MakeFolder(staging_));
  manifest_.clear();
  MAE_ASSIGN_OR_RETURN(manifest_[kModelFile], WriteTensors(staging_ / kModelFile, checkpoint.model));
  MAE_ASSIGN_OR_RETURN(manifest_[kOptimizerFile],
                       WriteTensors(staging_ / kOptimizerFile, checkpoint.optimizer));
  const std::string state = ProgressToJson(checkpoint.progress);
  manifest_[kStateFile] = {static_cast<int64_t>(state.size()), Sha256Hex(state)};
  return WriteFileDurably(staging_ / kStateFile, state);
}

absl::Status CheckpointWriter::Commit(int64_t step) {
  absl::Status status = CheckCommit(step);
  if (status.ok()) status = Publish(step);
  if (!status.ok()) {
    DropStaged();
    return status;
  }
  staging_.clear();
  last_step_ = step;
  removal_status_ = RemoveOld();
  return absl::OkStatus();
}

absl::Status CheckpointWriter::CheckCommit(int64_t step) const {
  if (staging_.empty()) return absl::FailedPreconditionError("no checkpoint is staged: call Stage first");
  if (step != staged_.step) {
    return absl::FailedPreconditionError(
        absl::StrCat("step ", step, " is committed, step ", staged_.step, " staged"));
  }
  if (step > last_step_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("step ", step, " is not above step ", last_step_, ", the checkpoint before it"));
}

absl::Status CheckpointWriter::Publish(int64_t step) {
  MAE_RETURN_IF_ERROR(VerifyManifest(staging_, manifest_, ReadThrough::kDevice));
  MAE_RETURN_IF_ERROR(WriteFileDurably(staging_ / kManifestFile, ManifestToJson(manifest_)));
  if (std::erase(abandoned_, step) > 0) MAE_RETURN_IF_ERROR(RemoveCheckpoint(folder_, step));
  absl::Status status = RenameDurably(staging_, folder_ / CheckpointFolderName(step));
  // Renamed, but perhaps not for good: a checkpoint that may vanish must not be seen either.
  if (!status.ok() && !fs::exists(staging_)) status.Update(RemoveCheckpoint(folder_, step));
  return status;
}

absl::Status CheckpointWriter::RemoveOld() {
  while (!abandoned_.empty()) {
    MAE_RETURN_IF_ERROR(RemoveCheckpoint(folder_, abandoned_.back()));
    abandoned_.pop_back();
  }
  MAE_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(folder_));
  for (const int64_t step : retention_(steps, staged_)) {
    MAE_RETURN_IF_ERROR(RemoveCheckpoint(folder_, step));
  }
  return absl::OkStatus();
}

absl::Status CheckpointWriter::GoBackTo(int64_t step) {
  DropStaged();
  MAE_ASSIGN_OR_RETURN(abandoned_, StepsAbove(folder_, step));
  last_step_ = step;
  return absl::OkStatus();
}

// What can't be removed now is hidden, and the next Create sweeps it.
void CheckpointWriter::DropStaged() {
  if (staging_.empty()) return;
  std::error_code ignored;
  fs::remove_all(std::exchange(staging_, {}), ignored);
}

}  // namespace mae
