#include "train/progress_report.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace mae {
namespace {

double CounterOf(const TrainingProgress& progress, const std::string& name) {
  const auto found = progress.counters.find(name);
  return found == progress.counters.end() ? 0.0 : found->second;
}

std::string Percent(double share) { return absl::StrFormat("%.2f %%", 100.0 * share); }

}  // namespace

ProgressReport::ProgressReport(const JobOptions& options, int64_t steps_per_epoch, JobRecorder& recorder)
    : options_(options),
      steps_per_epoch_(steps_per_epoch),
      recorder_(recorder),
      metrics_(StepMetrics::Clock::now()) {}

void ProgressReport::EpochBegins(const TrainingProgress& progress, double learning_rate) {
  recorder_.Info(absl::StrFormat("epoch %d/%d, learning rate %.3g", progress.epoch + 1,
                                 options_.schedule.epochs, learning_rate));
  metrics_.Restart(StepMetrics::Clock::now());
}

bool ProgressReport::IsLogStep(const TrainingProgress& progress) const {
  return progress.step == 1 || progress.batch % options_.log_every_steps == 0 ||
         progress.batch == steps_per_epoch_;
}

void ProgressReport::StepDone(const TrainingProgress& progress, const TrainStep::Result& result,
                              int64_t images, double learning_rate) {
  if (result.taken || result.taken_there.defined()) {
    metrics_.Add(result.measure.loss, result.measure.correct, result.grad_norm, images, result.taken_there);
  }
  if (IsLogStep(progress)) LogInterval(progress, learning_rate);
}

void ProgressReport::LogInterval(const TrainingProgress& progress, double learning_rate) {
  const auto interval = metrics_.Take(StepMetrics::Clock::now());
  if (!interval) return;
  eta_.AddSteps(interval->steps, interval->seconds);
  std::map<std::string, double> values = {{"loss", interval->loss},
                                          {"learning_rate", learning_rate},
                                          {"images_per_second", interval->images_per_second}};
  if (interval->grad_norm) values["grad_norm"] = *interval->grad_norm;
  std::string words =
      absl::StrFormat("step %d of %d, loss %.4f", progress.batch, steps_per_epoch_, interval->loss);
  if (interval->batch_accuracy) {
    values["batch_accuracy"] = *interval->batch_accuracy;
    absl::StrAppend(&words, ", batch accuracy ", Percent(*interval->batch_accuracy));
  }
  absl::StrAppendFormat(&words, ", %.0f images/s", interval->images_per_second);
  if (const double seconds = RemainingSeconds(progress); seconds >= 1.0) {
    absl::StrAppend(&words, ", ", absl::FormatDuration(absl::Seconds(std::ceil(seconds))), " left");
  }
  Record(progress, std::move(values));
  recorder_.Info(words);
}

void ProgressReport::Validated(const TrainingProgress& progress, const ValidationResult& result) {
  std::map<std::string, double> values = {{"validation_loss", result.loss}};
  std::string words = absl::StrFormat("epoch %d/%d done, validation loss %.4f", progress.epoch + 1,
                                      options_.schedule.epochs, result.loss);
  if (result.accuracy) {
    values["accuracy"] = *result.accuracy;
    absl::StrAppend(&words, ", accuracy ", Percent(*result.accuracy));
  }
  Record(progress, std::move(values));
  recorder_.Info(words);
}

void ProgressReport::RolledBack(const TrainingProgress& progress) {
  metrics_.Restart(StepMetrics::Clock::now());
  Record(progress, {});
}

void ProgressReport::Record(const TrainingProgress& progress, std::map<std::string, double> values) {
  values["images_total"] = CounterOf(progress, "images");
  values["data_wait_seconds_total"] = CounterOf(progress, "data_wait_seconds");
  values["skipped_steps_total"] = CounterOf(progress, "skipped_steps");
  values["rollbacks_total"] = CounterOf(progress, "rollbacks");
  values["eta_seconds"] = RemainingSeconds(progress);
  const double part = static_cast<double>(progress.batch) / static_cast<double>(steps_per_epoch_);
  recorder_.Metrics({progress.step, options_.schedule.epochs * steps_per_epoch_,
                     static_cast<double>(progress.epoch) + part, options_.schedule.epochs,
                     std::move(values)});
}

double ProgressReport::RemainingSeconds(const TrainingProgress& progress) const {
  const int64_t epochs = options_.schedule.epochs - progress.epoch;
  return eta_.Remaining(epochs * steps_per_epoch_ - progress.batch, epochs);
}

}  // namespace mae
