#include "train/measure_job.h"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "image/confusion_chart.h"
#include "models/masked_autoencoder.h"
#include "runtime/precision.h"
#include "train/evaluation.h"
#include "train/frozen_features.h"
#include "train/knn_probe.h"
#include "train/mask_noise.h"
#include "train/validation.h"

namespace mae {
namespace {

// What every measurement has at hand.
struct Measurement {
  const JobOptions& options;
  const JobFolder& folder;
  const TrainData& data;
  JobRecorder& recorder;
  const torch::Device& device;
  const std::atomic<bool>& stop;

  const EvaluateOptions& evaluate() const { return std::get<EvaluateOptions>(options.kind); }
  const ImageSet& split() const { return evaluate().on_train_split ? data.train : data.validation; }
  const char* split_name() const { return evaluate().on_train_split ? "training" : "validation"; }
  const char* loss_name() const { return evaluate().on_train_split ? "loss" : "validation_loss"; }
};

void RecordResult(const Measurement& job, std::map<std::string, double> values) {
  std::string words = "result:";
  for (const auto& [name, value] : values) absl::StrAppendFormat(&words, " %s %.4f", name, value);
  job.recorder.Metrics({1, 1, 1.0, 1, std::move(values)});
  job.recorder.Info(words);
}

// Calls `look` with each batch of the split in turn. CANCELLED if stopped before the end.
absl::Status ForEachBatch(const Measurement& job, const std::function<void(const Batch&)>& look) {
  const torch::NoGradGuard no_grad;
  Loader loader(job.split(), ValidationLoaderOptions(job.options));
  loader.StartEpoch(0);
  while (auto next = loader.Next()) {
    if (job.stop) return absl::CancelledError("stopped before every image was looked at");
    const Batch batch = ToDevice(*std::move(next), job.device);
    const AutocastScope autocast(job.device, job.options.precision);
    look(batch);
  }
  return absl::OkStatus();
}

// Into `model`, on the device and in eval mode.
absl::Status LoadWeights(const Measurement& job, torch::nn::Module& model) {
  const std::filesystem::path folder = job.evaluate().from_weights;
  MAE_ASSIGN_OR_RETURN(const auto file, ReadSafetensors(folder / "model.safetensors"));
  MAE_RETURN_IF_ERROR(LoadState(file.tensors, model));
  model.to(job.device);
  model.eval();
  return absl::OkStatus();
}

absl::Status EvaluateAutoencoder(const Measurement& job, const MaskedAutoencoderOptions& options) {
  MaskedAutoencoder model(options);
  MAE_RETURN_IF_ERROR(LoadWeights(job, *model));
  double sum = 0;
  MAE_RETURN_IF_ERROR(ForEachBatch(job, [&](const Batch& batch) {
    const auto noise = ValidationMaskNoise(batch.indices, options.encoder.num_patches());
    const auto mask = MaskFromNoise(noise.to(job.device), options.mask_ratio);
    sum += model->Loss(batch.images, mask).item<double>() * static_cast<double>(batch.images.size(0));
  }));
  RecordResult(job, {{job.loss_name(), sum / static_cast<double>(job.split().count)}});
  return absl::OkStatus();
}

absl::Status DrawConfusion(const Measurement& job, const ClassifierScore& score,
                           const std::vector<std::string>& names) {
  const auto title = absl::StrFormat("%s, %s images: true class by row, predicted by column, %% of the row",
                                     job.options.data.dataset, job.split_name());
  MAE_ASSIGN_OR_RETURN(const Picture picture, DrawConfusionMatrix(score.confusion(), names, title));
  MAE_ASSIGN_OR_RETURN(const std::string png, EncodePng(picture));
  MAE_RETURN_IF_ERROR(WriteFileDurably(job.folder.samples() / "confusion.png", png));
  job.recorder.Picture({1, "confusion matrix", (job.folder.samples().filename() / "confusion.png").string()});
  return absl::OkStatus();
}

absl::Status CheckHead(const Measurement& job, int64_t classes) {
  const int64_t needed = ClassesOf(job.split());
  if (needed <= classes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("evaluate.from_model: its head has ", classes, " classes, ",
                                                 job.options.data.dataset, " has ", needed,
                                                 "; take a classifier of that dataset"));
}

absl::Status EvaluateClassifier(const Measurement& job, const VisionTransformerOptions& options) {
  MAE_RETURN_IF_ERROR(CheckHead(job, options.num_classes));
  VisionTransformer model(options);
  MAE_RETURN_IF_ERROR(LoadWeights(job, *model));
  ClassifierScore score(options.num_classes);
  MAE_RETURN_IF_ERROR(
      ForEachBatch(job, [&](const Batch& batch) { score.Add(model->forward(batch.images), batch.labels); }));
  auto metrics = MetricsOf(score, job.data.labels);
  metrics[job.loss_name()] = score.loss();
  if (const auto drawn = DrawConfusion(job, score, ClassNames(job.data.labels, options.num_classes));
      !drawn.ok()) {
    job.recorder.Error(absl::StrCat("no confusion matrix: ", drawn.ToString()));
  }
  RecordResult(job, std::move(metrics));
  return absl::OkStatus();
}

absl::Status Evaluate(const Measurement& job) {
  MAE_ASSIGN_OR_RETURN(const ModelConfig config, ReadModelConfig(job.evaluate().from_weights));
  if (const auto* autoencoder = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    return EvaluateAutoencoder(job, *autoencoder);
  }
  return EvaluateClassifier(job, std::get<VisionTransformerOptions>(config.model));
}

absl::Status ProbeNeighbors(const Measurement& job) {
  const auto& probe = std::get<KnnProbeOptions>(job.options.kind);
  MAE_ASSIGN_OR_RETURN(VisionTransformer model,
                       LoadFrozenEncoder(probe.encoder, probe.pooling, probe.from_weights, job.device));
  const auto features = [&](const ImageSet& images) {
    return FrozenFeatures(*model, images, job.options, job.device, job.stop);
  };
  MAE_ASSIGN_OR_RETURN(const torch::Tensor known, features(job.data.train));
  MAE_ASSIGN_OR_RETURN(const torch::Tensor queries, features(job.data.validation));
  const auto classes = std::max(ClassesOf(job.data.train), ClassesOf(job.data.validation));
  const auto to_device = [&](const torch::Tensor& tensor) { return tensor.to(job.device); };
  const auto result = ClassifyByNeighbors(
      to_device(known), to_device(torch::tensor(job.data.train.labels, torch::kInt64)), to_device(queries),
      to_device(torch::tensor(job.data.validation.labels, torch::kInt64)), classes, probe.neighbors,
      probe.temperature);
  const auto share = [&](int64_t part) {
    return static_cast<double>(part) / static_cast<double>(result.images);
  };
  std::map<std::string, double> metrics = {{"accuracy", share(result.correct)}};
  if (classes > 5) metrics["top5_accuracy"] = share(result.in_first5);
  RecordResult(job, std::move(metrics));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobState> RunMeasurement(const JobOptions& options, const JobFolder& folder,
                                        const TrainData& data, JobRecorder& recorder,
                                        const torch::Device& device, const std::atomic<bool>& stop) {
  const Measurement job{options, folder, data, recorder, device, stop};
  recorder.Info(absl::StrCat(options.kind_name(), " of ", options.from_model(), " on ", options.data.dataset,
                             ": ", data.train.count, " training and ", data.validation.count,
                             " validation images"));
  const auto status =
      std::holds_alternative<EvaluateOptions>(options.kind) ? Evaluate(job) : ProbeNeighbors(job);
  if (absl::IsCancelled(status)) return JobState::kStopped;
  MAE_RETURN_IF_ERROR(status);
  return JobState::kSucceeded;
}

}  // namespace mae
