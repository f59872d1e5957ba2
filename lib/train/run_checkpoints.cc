#include "train/run_checkpoints.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/manifest.h"

namespace mae {

CheckpointEvent CheckpointEventOf(const JobFolder& folder, int64_t step) {
  if (step == 0) return {0, ""};
  const std::filesystem::path parent = folder.checkpoints().filename();
  return {step, (parent / CheckpointFolderName(step)).string()};
}

absl::StatusOr<std::unique_ptr<RunCheckpoints>> RunCheckpoints::Open(const JobOptions& options,
                                                                     const JobFolder& folder,
                                                                     int64_t steps_per_epoch,
                                                                     int64_t resumed_step) {
  const CheckpointPlan plan(options, steps_per_epoch);
  const Retention retention = [plan](const std::vector<int64_t>& steps, const TrainingProgress& newest) {
    return plan.Superfluous(steps, newest);
  };
  MAE_ASSIGN_OR_RETURN(CheckpointWriter writer,
                       CheckpointWriter::Create(folder.checkpoints(), retention, resumed_step));
  return absl::WrapUnique(new RunCheckpoints(folder, plan, std::move(writer), resumed_step));
}

RunCheckpoints::RunCheckpoints(const JobFolder& folder, CheckpointPlan plan, CheckpointWriter writer,
                               int64_t resumed_step)
    : folder_(folder),
      plan_(plan),
      saved_step_(resumed_step),
      handed_step_(resumed_step),
      writer_(std::move(writer)) {}

void RunCheckpoints::Save(const TrainingCheckpoint& state, JobRecorder& recorder) {
  const int64_t step = state.progress.step;
  if (step <= handed_step_) return;
  const absl::Status handed = writer_.Write(state);
  Note(recorder);
  if (handed.ok()) {
    handed_step_ = step;
  } else {
    NoteFailure(step, handed, recorder);
  }
}

void RunCheckpoints::Note(JobRecorder& recorder) {
  for (const auto& outcome : writer_.TakeOutcomes()) {
    if (!outcome.status.ok()) {
      handed_step_ = saved_step_;
      NoteFailure(outcome.step, outcome.status, recorder);
      continue;
    }
    saved_step_ = outcome.step;
    recorder.Checkpoint(CheckpointEventOf(folder_, outcome.step));
    if (!outcome.removal.ok()) {
      recorder.Warning(absl::StrCat("an old checkpoint was not removed and takes room: ",
                                    outcome.removal.ToString(), "; the next one tries again"));
    }
  }
}

void RunCheckpoints::NoteFailure(int64_t step, const absl::Status& status, JobRecorder& recorder) {
  const std::string last =
      saved_step_ > 0 ? absl::StrCat("the last good one is of step ", saved_step_) : "there is none yet";
  recorder.Error(absl::StrCat("no checkpoint at step ", step, ": ", status.ToString(), "; ",
                              ended_ ? "" : "training goes on, ", last));
}

void RunCheckpoints::Finish(JobRecorder& recorder) {
  ended_ = true;
  writer_.Wait();
  Note(recorder);
}

absl::StatusOr<TrainingCheckpoint> RunCheckpoints::GoBack(int64_t best_step, JobRecorder& recorder) {
  writer_.Wait();
  Note(recorder);
  auto latest = ReadLatestCheckpoint(folder_.checkpoints(),
                                     [&](int64_t step) { return plan_.IsRollbackPoint(step, best_step); });
  if (!latest.ok() && !absl::IsNotFound(latest.status())) return latest.status();
  saved_step_ = handed_step_ = latest.ok() ? latest->checkpoint.progress.step : 0;
  MAE_RETURN_IF_ERROR(writer_.GoBackTo(saved_step_));
  if (!latest.ok()) return latest.status();
  for (const auto& warning : latest->warnings) recorder.Warning(warning);
  return std::move(latest->checkpoint);
}

}  // namespace mae
