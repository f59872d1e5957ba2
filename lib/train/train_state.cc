#include "train/train_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/manifest.h"
#include "checkpoint/model_folder.h"
#include "train/run_counters.h"
#include "train/shared_checkpoint.h"

namespace mae {

TrainState::TrainState(const JobOptions& options, const JobFolder& folder, TrainTask& task,
                       int64_t steps_per_epoch, ProcessGroup& group)
    : folder_(folder),
      task_(task),
      group_(group),
      plan_(options, steps_per_epoch),
      optimizer_(
          MakeOptimizer(MakeParamGroups(task.model(), options.optimizer, task.kind()), options.optimizer)) {
  if (options.optimizer.ema_decay > 0.0) {
    ema_.emplace(task.model(), options.optimizer.ema_decay);
    optimizer_->SetEma(&*ema_);
  }
  progress_.seed = options.seed;
}

absl::StatusOr<std::unique_ptr<TrainState>> TrainState::Open(const JobOptions& options,
                                                             const JobFolder& folder, TrainTask& task,
                                                             JobRecorder& recorder, int64_t steps_per_epoch,
                                                             ProcessGroup& group) {
  auto state = absl::WrapUnique(new TrainState(options, folder, task, steps_per_epoch, group));
  bool resumed = false;
  if (group.is_first()) {
    if (options.safety.rollback_limit > 0) MAE_RETURN_IF_ERROR(state->KeepBeginning());
    MAE_ASSIGN_OR_RETURN(resumed, state->Resume(recorder));
    MAE_ASSIGN_OR_RETURN(state->checkpoints_,
                         RunCheckpoints::Open(options, folder, steps_per_epoch, state->progress_.step));
  }
  // Initial weights are the same everywhere.
  if (group.Any(resumed)) MAE_RETURN_IF_ERROR(state->Share());
  return state;
}

absl::Status TrainState::Share() {
  if (group_.ranks() == 1) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(const TrainingCheckpoint first, ShareCheckpoint(Snapshot(), group_));
  return group_.is_first() ? absl::OkStatus() : Restore(first);
}

absl::Status TrainState::KeepBeginning() {
  MAE_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(folder_.checkpoints()));
  const auto is_due = [&](int64_t step) { return plan_.IsDue(step); };
  if (std::any_of(steps.begin(), steps.end(), is_due)) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(beginning_, CopyOf(Snapshot()));
  return absl::OkStatus();
}

absl::StatusOr<bool> TrainState::Resume(JobRecorder& recorder) {
  auto latest = ReadLatestCheckpoint(folder_.checkpoints());
  if (latest.ok()) {
    for (const auto& warning : latest->warnings) recorder.Warning(warning);
    MAE_RETURN_IF_ERROR(Restore(latest->checkpoint));
    recorder.Info(absl::StrCat("resumed from ", latest->folder.filename().string(), ", epoch ",
                               progress_.epoch + 1, ", batch ", progress_.batch));
  } else if (!absl::IsNotFound(latest.status())) {
    return latest.status();
  }
  MAE_RETURN_IF_ERROR(recorder.ResumeAt(CheckpointEventOf(folder_, progress_.step)));
  return latest.ok();
}

absl::Status TrainState::Restore(const TrainingCheckpoint& checkpoint) {
  if (checkpoint.progress.seed != progress_.seed) {
    return absl::InvalidArgumentError(absl::StrCat("seed: the checkpoint was made with ",
                                                   checkpoint.progress.seed, ", the job has ", progress_.seed,
                                                   "; give the job a folder of its own"));
  }
  MAE_RETURN_IF_ERROR(LoadState(checkpoint.model, task_.model()));
  MAE_RETURN_IF_ERROR(optimizer_->LoadState(checkpoint.optimizer));
  if (ema_) MAE_RETURN_IF_ERROR(ema_->LoadState(checkpoint.optimizer));
  progress_ = checkpoint.progress;
  return absl::OkStatus();
}

TrainingCheckpoint TrainState::Snapshot() { return {StateOf(task_.model()), OptimizerTensors(), progress_}; }

void TrainState::Save(JobRecorder& recorder) {
  if (checkpoints_ != nullptr) checkpoints_->Save(Snapshot(), recorder);
}

void TrainState::NoteSaved(JobRecorder& recorder) {
  if (checkpoints_ == nullptr) return;
  checkpoints_->Note(recorder);
  if (plan().IsDue(saved_step())) beginning_.reset();
}

NamedTensors TrainState::OptimizerTensors() const {
  NamedTensors tensors = optimizer_->State();
  if (!ema_) return tensors;
  for (auto& average : ema_->State()) tensors.push_back(std::move(average));
  return tensors;
}

void TrainState::Finish(JobRecorder& recorder) {
  if (checkpoints_ != nullptr) checkpoints_->Finish(recorder);
}

void TrainState::SaveAndStop(JobRecorder& recorder, bool is_sound) {
  if (checkpoints_ == nullptr) return;
  if (is_sound && progress_.step > saved_step()) Save(recorder);
  Finish(recorder);
  const int64_t step = progress_.step;
  const std::string from =
      saved_step() > 0 ? absl::StrCat("goes on from step ", saved_step()) : "starts from the beginning";
  if (saved_step() == step) {
    recorder.Info(absl::StrCat("stopped after ", step, " steps; a resume ", from));
  } else {
    recorder.Warning(absl::StrCat("stopped after ", step, " steps without a checkpoint of the last ",
                                  step - saved_step(), "; a resume ", from, " and repeats them"));
  }
}

absl::Status TrainState::RollBack(double factor, JobRecorder& recorder) {
  const TrainingProgress now = progress_;
  if (group_.is_first()) MAE_RETURN_IF_ERROR(GoBack(now, recorder));
  MAE_RETURN_IF_ERROR(Share());
  progress_ = RolledBack(progress_, now, factor);
  return recorder.ResumeAt(CheckpointEventOf(folder_, progress_.step));
}

absl::Status TrainState::GoBack(const TrainingProgress& now, JobRecorder& recorder) {
  auto target = checkpoints_->GoBack(BestStepOf(now), recorder);
  if (absl::IsNotFound(target.status()) && beginning_) target = *beginning_;
  if (!target.ok()) {
    const auto code =
        absl::IsNotFound(target.status()) ? absl::StatusCode::kDataLoss : target.status().code();
    return absl::Status(code, absl::StrCat("training diverged at step ", now.step,
                                           " and can't go back: ", std::string(target.status().message())));
  }
  return Restore(*target);
}

}  // namespace mae
