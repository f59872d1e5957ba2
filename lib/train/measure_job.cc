#include "train/measure_job.h"

#include <cmath>
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
#include "options/class_match.h"
#include "runtime/precision.h"
#include "train/evaluation.h"
#include "train/frozen_features.h"
#include "train/knn_probe.h"
#include "train/mask_noise.h"
#include "train/pass_progress.h"
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
  // Of the splits that are looked at.
  int64_t images() const {
    return std::holds_alternative<EvaluateOptions>(options.kind) ? split().count
                                                                 : data.train.count + data.validation.count;
  }
};

void RecordResult(const Measurement& job, std::map<std::string, double> values) {
  std::string words = "result:";
  for (const auto& [name, value] : values) absl::StrAppendFormat(&words, " %s %.4f", name, value);
  job.recorder.Metrics({job.images(), job.images(), 1.0, 1, std::move(values)});
  job.recorder.Info(words);
}

PassProgress ProgressOf(const Measurement& job) {
  return {job.images(), [&recorder = job.recorder](const PassProgress::Part& part) {
            const double share = static_cast<double>(part.done) / static_cast<double>(part.images);
            recorder.Metrics(
                {part.done,
                 part.images,
                 share,
                 1,
                 {{"images_per_second", part.images_per_second}, {"eta_seconds", part.seconds_left}}});
          }};
}

// Calls `look` with each batch of the split in turn. CANCELLED if stopped before the end.
absl::Status ForEachBatch(const Measurement& job, const std::function<void(const Batch&)>& look) {
  const torch::NoGradGuard no_grad;
  Loader loader(job.split(), ValidationLoaderOptions(job.options));
  PassProgress progress = ProgressOf(job);
  loader.StartEpoch(0);
  while (auto next = loader.Next()) {
    if (job.stop) return absl::CancelledError("stopped before every image was looked at");
    const Batch batch = ToDevice(*std::move(next), job.device);
    const AutocastScope autocast(job.device, job.options.precision);
    look(batch);
    progress.Seen(batch.images.size(0));
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const Measurement& job, double loss) {
  if (std::isfinite(loss)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("evaluate.from_model: the loss of ", job.options.from_model(),
                   " is not finite: its training diverged or its weights are damaged; take another model"));
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
  const double loss = sum / static_cast<double>(job.split().count);
  MAE_RETURN_IF_ERROR(CheckFinite(job, loss));
  RecordResult(job, {{job.loss_name(), loss}});
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

absl::StatusOr<ClassMatch> MatchHead(const Measurement& job, const ModelConfig& config) {
  const int64_t classes = std::get<VisionTransformerOptions>(config.model).num_classes;
  auto match = MatchClasses(job.data.labels, config.labels, classes);
  if (!match.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("evaluate.from_model: ", match.status().message()));
  }
  if (match->names_differ) {
    job.recorder.Warning(absl::StrCat("no class of ", job.options.data.dataset,
                                      " has a name that the model knows: they are taken in their order"));
  }
  return match;
}

// Without a picture the numbers still tell.
void ShowConfusion(const Measurement& job, const ClassifierScore& score,
                   const std::vector<std::string>& names) {
  if (names.size() > static_cast<size_t>(kMaxConfusionClasses)) {
    job.recorder.Info(absl::StrCat("no confusion matrix: of more than ", kMaxConfusionClasses, " classes"));
    return;
  }
  const absl::Status drawn = DrawConfusion(job, score, names);
  if (!drawn.ok()) job.recorder.Error(absl::StrCat("no confusion matrix: ", drawn.ToString()));
}

absl::Status EvaluateClassifier(const Measurement& job, const ModelConfig& config) {
  MAE_ASSIGN_OR_RETURN(const ClassMatch match, MatchHead(job, config));
  const auto& options = std::get<VisionTransformerOptions>(config.model);
  VisionTransformer model(options);
  MAE_RETURN_IF_ERROR(LoadWeights(job, *model));
  ClassifierScore score(options.num_classes);
  const torch::Tensor heads = torch::tensor(match.heads, torch::kInt64).to(job.device);
  MAE_RETURN_IF_ERROR(ForEachBatch(job, [&](const Batch& batch) {
    score.Add(model->forward(batch.images), heads.index_select(0, batch.labels));
  }));
  MAE_RETURN_IF_ERROR(CheckFinite(job, score.loss()));
  ShowConfusion(job, score, match.names);
  auto metrics = MetricsOf(score, match.names);
  metrics[job.loss_name()] = score.loss();
  RecordResult(job, std::move(metrics));
  return absl::OkStatus();
}

absl::Status Evaluate(const Measurement& job) {
  MAE_ASSIGN_OR_RETURN(const ModelConfig config, ReadModelConfig(job.evaluate().from_weights));
  if (const auto* autoencoder = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    return EvaluateAutoencoder(job, *autoencoder);
  }
  return EvaluateClassifier(job, config);
}

absl::Status ProbeNeighbors(const Measurement& job) {
  const auto& probe = std::get<KnnProbeOptions>(job.options.kind);
  MAE_ASSIGN_OR_RETURN(VisionTransformer model,
                       LoadFrozenEncoder(probe.encoder, probe.pooling, probe.from_weights, job.device));
  PassProgress progress = ProgressOf(job);
  const auto features = [&](const ImageSet& images) {
    return FrozenFeatures(*model, images, job.options, job.device, progress, job.stop);
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
