#include "train/train_loop.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "optim/schedule.h"
#include "train/epoch_picture.h"
#include "train/validation.h"

namespace mae {

TrainLoop::TrainLoop(const JobOptions& options, const JobFolder& folder, const TrainData& data,
                     TrainTask& task, TrainState& state, JobRecorder& recorder, torch::Device device,
                     const std::atomic<bool>& stop)
    : options_(options),
      folder_(folder),
      data_(data),
      task_(task),
      state_(state),
      recorder_(recorder),
      device_(device),
      stop_(stop),
      train_loader_(data.train, TrainLoaderOptions(options)),
      validation_loader_(data.validation, ValidationLoaderOptions(options)),
      waited_before_(state.progress().counters["data_wait_seconds"]),
      step_(options, task, state.adamw(), device),
      report_(options, train_loader_.num_batches(), recorder) {}

absl::StatusOr<bool> TrainLoop::Run() {
  while (state_.progress().epoch < options_.schedule.epochs) {
    MAE_ASSIGN_OR_RETURN(const bool trained, TrainEpoch());
    if (!trained || !FinishEpoch()) {
      state_.Save(recorder_);
      return false;
    }
  }
  return true;
}

absl::StatusOr<bool> TrainLoop::TrainEpoch() {
  const auto& progress = state_.progress();
  if (progress.batch >= train_loader_.num_batches()) return true;
  report_.EpochBegins(progress, LearningRate());
  task_.model().train();
  train_loader_.StartEpoch(progress.epoch, progress.batch);
  while (!stop_) {
    auto batch = train_loader_.Next();
    if (!batch) return true;
    MAE_RETURN_IF_ERROR(RunStep(*std::move(batch)));
  }
  return false;
}

absl::Status TrainLoop::RunStep(Batch batch) {
  auto& progress = state_.progress();
  const double learning_rate = LearningRate();
  const auto images = batch.images.size(0);
  const auto result = step_.Run(ToDevice(std::move(batch), device_), progress.epoch, progress.step,
                                learning_rate, ShowsGradients());
  ++progress.step;
  ++progress.batch;
  progress.counters["images"] += static_cast<double>(images);
  progress.counters["data_wait_seconds"] = waited_before_ + train_loader_.wait_seconds();
  if (result.taken) {
    guard_.Taken();
  } else {
    MAE_RETURN_IF_ERROR(CountSkipped());
  }
  report_.StepDone(progress, result, images, learning_rate);
  for (const auto& [name, histogram] : result.gradients)
    recorder_.Distribution(progress.step, absl::StrCat("gradients/", name), histogram);
  return absl::OkStatus();
}

bool TrainLoop::ShowsGradients() const {
  const auto& progress = state_.progress();
  return options_.tensorboard && options_.histogram_every_epochs > 0 && progress.batch == 0 &&
         progress.epoch % options_.histogram_every_epochs == 0;
}

absl::Status TrainLoop::CountSkipped() {
  auto& progress = state_.progress();
  progress.counters["skipped_steps"] += 1;
  MAE_RETURN_IF_ERROR(guard_.Skipped(progress.step));
  // A run that limps along would fill the log: only the first of a row is told.
  if (guard_.in_row() == 1) {
    recorder_.Warning(
        absl::StrCat("step ", progress.step, " was skipped: its loss or gradients are not finite"));
  }
  return absl::OkStatus();
}

bool TrainLoop::FinishEpoch() {
  const auto begin = std::chrono::steady_clock::now();
  const auto result = RunValidation(task_, validation_loader_, options_.precision, device_, stop_);
  if (!result) return false;
  auto& progress = state_.progress();
  report_.Validated(progress, *result);
  ++progress.epoch;
  progress.batch = 0;
  DrawPicture();
  const bool last = progress.epoch == options_.schedule.epochs;
  if (last || progress.epoch % options_.checkpoint_every_epochs == 0) state_.Save(recorder_);
  report_.EpochEnded(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return true;
}

void TrainLoop::DrawPicture() {
  if (options_.pictures == 0 || !task_.draws()) return;
  const auto picture =
      WriteEpochPicture(task_, data_.validation, options_, folder_, device_, state_.progress().epoch);
  if (picture.ok()) {
    recorder_.Picture(*picture);
  } else {
    recorder_.Error(
        absl::StrCat("no picture of this epoch: ", picture.status().ToString(), "; training goes on"));
  }
}

double TrainLoop::LearningRate() const {
  const auto& progress = state_.progress();
  return LearningRateAt(options_.schedule, options_.optimizer, progress.epoch, progress.batch,
                        train_loader_.num_batches());
}

}  // namespace mae
