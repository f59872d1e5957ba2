#include "train/train_loop.h"

#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/byte_batch.h"
#include "optim/schedule.h"
#include "train/epoch_picture.h"
#include "train/run_counters.h"
#include "train/validation.h"

namespace mae {
namespace {

// By so many steps the host may run ahead of a GPU: enough that it never lacks work.
constexpr size_t kStepsAhead = 2;

// Batches for a GPU travel as bytes, where it can make of them what the loader would.
LoaderOptions LoaderFor(const JobOptions& options, const ImageSet& images, const torch::Device& device) {
  LoaderOptions loader = TrainLoaderOptions(options);
  loader.page_locked = device.is_cuda();
  loader.bytes = device.is_cuda() && ByteBatchMaker::CanMake(images, loader.transform);
  return loader;
}

std::optional<CutTransform> TransformFor(const LoaderOptions& loader, const torch::Device& device) {
  if (!loader.bytes) return std::nullopt;
  return CutTransform(loader.transform, loader.mean, loader.std_dev, device);
}

}  // namespace

TrainLoop::TrainLoop(const JobOptions& options, const JobFolder& folder, const TrainData& data,
                     TrainTask& task, TrainState& state, JobRecorder& recorder, torch::Device device,
                     ProcessGroup& group, const std::atomic<bool>& stop, int64_t profile_steps,
                     TrainStep::Form form)
    : options_(options),
      folder_(folder),
      data_(data),
      task_(task),
      state_(state),
      recorder_(recorder),
      device_(device),
      group_(group),
      stop_(stop),
      train_loader_(data.train, OfRank(LoaderFor(options, data.train, device), group)),
      validation_loader_(data.validation, OfRank(ValidationLoaderOptions(options), group)),
      feed_(device, TransformFor(LoaderFor(options, data.train, device), device)),
      waited_before_(state.progress().counters["data_wait_seconds"]),
      step_(options, task, state.optimizer(), device, group, form,
            [&recorder](const std::string& warning) { recorder.Warning(warning); }),
      taken_late_(kStepsAhead),
      guard_(options.safety),
      report_(options, train_loader_.num_batches(), recorder),
      profile_(profile_steps, folder, recorder) {}

absl::StatusOr<bool> TrainLoop::Run() {
  const absl::Cleanup finish = [this] { profile_.Finish(); };  // also when a step throws
  const auto done = RunEpochs();
  if (done.ok() && !*done) {
    state_.SaveAndStop(recorder_, /*is_sound=*/guard_.in_row() == 0);
  } else {
    state_.Finish(recorder_);
  }
  return done;
}

absl::StatusOr<bool> TrainLoop::RunEpochs() {
  while (state_.progress().epoch < options_.schedule.epochs) {
    EpochEnd end = TrainEpoch();
    Settle();
    if (end == EpochEnd::kDone && guard_.has_diverged()) end = EpochEnd::kDiverged;
    if (end == EpochEnd::kDone) end = FinishEpoch();
    if (end == EpochEnd::kStopped) return false;
    if (end == EpochEnd::kDiverged) MAE_RETURN_IF_ERROR(RollBack());
  }
  return true;
}

TrainLoop::EpochEnd TrainLoop::TrainEpoch() {
  const auto& progress = state_.progress();
  if (progress.batch >= train_loader_.num_batches()) return EpochEnd::kDone;
  report_.EpochBegins(progress, LearningRate());
  task_.model().train();
  train_loader_.StartEpoch(progress.epoch, progress.batch);
  while (!group_.Any(stop_)) {
    if (progress.batch >= train_loader_.num_batches()) return EpochEnd::kDone;
    profile_.BeginStep(progress.step);
    TrainNextBatch();
    // What is due at the end of an epoch is written after its validation, which belongs to it.
    if (progress.batch < train_loader_.num_batches()) SaveIfDue(/*is_best=*/false);
    profile_.EndStep();
    if (guard_.has_diverged()) return EpochEnd::kDiverged;
  }
  return EpochEnd::kStopped;
}

void TrainLoop::TrainNextBatch() {
  const Batch batch = [this] {
    const StepTrace::Phase phase(profile_.trace(), "data_wait");
    return feed_.Move(train_loader_.Next().value());
  }();
  RunStep(batch);
}

void TrainLoop::RunStep(const Batch& batch) {
  auto& progress = state_.progress();
  const double learning_rate = LearningRate();
  const auto images = train_loader_.images_in(progress.batch);
  const auto result =
      step_.Run(batch, progress.epoch, progress.step, learning_rate, ShowsGradients(), profile_.trace());
  ++progress.step;
  ++progress.batch;
  progress.counters["images"] += static_cast<double>(images);
  progress.counters["data_wait_seconds"] = waited_before_ + train_loader_.wait_seconds();
  Count(result);
  const StepTrace::Phase phase(profile_.trace(), "report");
  report_.StepDone(progress, result, images, learning_rate);
  for (const auto& [name, histogram] : result.gradients)
    recorder_.Distribution(progress.step, absl::StrCat("gradients/", name), histogram);
  state_.NoteSaved(recorder_);
}

bool TrainLoop::ShowsGradients() const {
  const auto& progress = state_.progress();
  return options_.tensorboard && options_.histogram_every_epochs > 0 &&
         progress.batch < options_.optimizer.accumulate_steps &&
         progress.epoch % options_.histogram_every_epochs == 0;
}

void TrainLoop::Count(const TrainStep::Result& result) {
  const int64_t step = state_.progress().step;
  if (result.taken_there.defined()) {
    taken_late_.Ask(step, result.taken_there);
    for (const auto& late : taken_late_.Due()) CountStep(late.step, late.value > 0);
    return;
  }
  Settle();
  if (!result.due) return;
  CountStep(step, result.taken);
}

void TrainLoop::Settle() {
  for (const auto& late : taken_late_.All()) CountStep(late.step, late.value > 0);
}

void TrainLoop::CountStep(int64_t step, bool taken) {
  if (taken) return guard_.Taken();
  state_.progress().counters["skipped_steps"] += 1;
  guard_.Skipped();
  // A run that limps along would fill the log: only the first of a row is told.
  if (guard_.in_row() == 1) {
    recorder_.Warning(absl::StrCat("step ", step, " was skipped: its loss or gradients are not finite"));
  }
}

// A state from amid skipped steps is none to go back to: the checkpoint before them stays the last.
void TrainLoop::SaveIfDue(bool is_best) {
  const bool is_due = state_.plan().IsDue(state_.progress().step) || (is_best && state_.plan().keeps_best());
  if (!is_due) return;
  Settle();
  if (guard_.in_row() > 0) return;
  const StepTrace::Phase phase(profile_.trace(), "checkpoint");
  state_.Save(recorder_);
}

std::string TrainLoop::Divergence() const {
  const int64_t step = state_.progress().step;
  if (!guard_.has_diverged()) return absl::StrCat("the validation loss at step ", step, " was not finite");
  return absl::StrCat("loss or gradients were not finite for ", guard_.in_row(), " steps in a row by step ",
                      step);
}

absl::Status TrainLoop::RollBack() {
  const std::string what = Divergence();
  MAE_RETURN_IF_ERROR(guard_.RollBack(what, RollbacksOf(state_.progress())));
  MAE_RETURN_IF_ERROR(state_.RollBack(options_.safety.rollback_learning_rate_factor, recorder_));
  const auto& progress = state_.progress();
  const std::string target =
      progress.step > 0 ? absl::StrCat("the checkpoint of step ", progress.step) : "the initial weights";
  recorder_.Warning(absl::StrCat(what, ": went back to ", target, ", rollback ", RollbacksOf(progress),
                                 " of ", options_.safety.rollback_limit,
                                 "; from here on the learning rate is ", LearningRateScale(progress),
                                 " times that of the schedule"));
  report_.RolledBack(progress);
  return absl::OkStatus();
}

std::optional<ValidationResult> TrainLoop::Validate() {
  const StepTrace::Phase phase(profile_.trace(), "validation");
  const AveragedWeights averaged(state_.ema());
  const auto result = RunValidation(task_, validation_loader_, options_.precision, device_, stop_, group_);
  if (!result) return std::nullopt;
  report_.Validated(state_.progress(), *result);
  return result;
}

TrainLoop::EpochEnd TrainLoop::FinishEpoch() {
  const auto begin = std::chrono::steady_clock::now();
  const auto result = Validate();
  if (!result) return EpochEnd::kStopped;
  if (!std::isfinite(result->loss)) return EpochEnd::kDiverged;
  auto& progress = state_.progress();
  const bool is_best = guard_.in_row() == 0 && NoteValidation(progress, *result);
  ++progress.epoch;
  progress.batch = 0;
  DrawPicture();
  SaveIfDue(is_best);
  report_.EpochEnded(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return EpochEnd::kDone;
}

void TrainLoop::DrawPicture() {
  if (options_.pictures == 0 || !task_.draws() || !group_.is_first()) return;
  const StepTrace::Phase phase(profile_.trace(), "picture");
  const AveragedWeights averaged(state_.ema());
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
  // Batches whose gradients add up have the rate of their first, as in the public MAE code.
  const auto& progress = state_.progress();
  const auto batches = train_loader_.num_batches();
  const auto first = progress.step - progress.step % options_.optimizer.accumulate_steps;
  return LearningRateScale(progress) *
         LearningRateAt(options_.schedule, options_.optimizer, first / batches, first % batches, batches);
}

}  // namespace mae
