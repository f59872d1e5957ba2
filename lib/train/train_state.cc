#include "train/train_state.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/manifest.h"
#include "checkpoint/model_folder.h"

namespace mae {

TrainState::TrainState(const JobOptions& options, const JobFolder& folder, TrainTask& task)
    : folder_(folder),
      task_(task),
      adamw_(MakeParamGroups(task.model(), options.optimizer, task.kind()), options.optimizer) {
  progress_.seed = options.seed;
}

absl::StatusOr<std::unique_ptr<TrainState>> TrainState::Open(const JobOptions& options,
                                                             const JobFolder& folder, TrainTask& task,
                                                             JobRecorder& recorder) {
  auto state = absl::WrapUnique(new TrainState(options, folder, task));
  MAE_RETURN_IF_ERROR(state->Resume(recorder));
  MAE_ASSIGN_OR_RETURN(
      state->writer_,
      CheckpointWriter::Create(folder.checkpoints(), options.checkpoint_keep_last, state->saved_step_));
  return state;
}

absl::Status TrainState::Resume(JobRecorder& recorder) {
  auto latest = ReadLatestCheckpoint(folder_.checkpoints());
  if (latest.ok()) {
    for (const auto& warning : latest->warnings) recorder.Warning(warning);
    MAE_RETURN_IF_ERROR(Restore(latest->checkpoint));
    recorder.Info(absl::StrCat("resumed from ", latest->folder.filename().string(), ", epoch ",
                               progress_.epoch + 1, ", batch ", progress_.batch));
  } else if (!absl::IsNotFound(latest.status())) {
    return latest.status();
  }
  saved_step_ = progress_.step;
  return recorder.ResumeAt(progress_.step);
}

absl::Status TrainState::Restore(const TrainingCheckpoint& checkpoint) {
  if (checkpoint.progress.seed != progress_.seed) {
    return absl::InvalidArgumentError(absl::StrCat("seed: the checkpoint was made with ",
                                                   checkpoint.progress.seed, ", the job has ", progress_.seed,
                                                   "; give the job a folder of its own"));
  }
  MAE_RETURN_IF_ERROR(LoadState(checkpoint.model, task_.model()));
  MAE_RETURN_IF_ERROR(adamw_.LoadState(checkpoint.optimizer));
  progress_ = checkpoint.progress;
  return absl::OkStatus();
}

void TrainState::Save(JobRecorder& recorder) {
  if (progress_.step <= saved_step_) return;
  if (const auto status = WriteCheckpoint(); !status.ok()) {
    recorder.Error(absl::StrCat("no checkpoint at step ", progress_.step, ": ", status.ToString(),
                                "; training goes on, the last good one is of step ", saved_step_));
    return;
  }
  saved_step_ = progress_.step;
  recorder.Checkpoint({saved_step_, (std::filesystem::path(folder_.checkpoints().filename()) /
                                     CheckpointFolderName(saved_step_))
                                        .string()});
}

absl::Status TrainState::WriteCheckpoint() {
  MAE_RETURN_IF_ERROR(writer_->Stage({StateOf(task_.model()), adamw_.State(), progress_}));
  return writer_->Commit(progress_.step);
}

}  // namespace mae
