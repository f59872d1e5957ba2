#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "options/augmentation_options.h"
#include "options/model_options.h"

/// Plain descriptions of one training job, every default resolved. recipe/recipe_proto.h makes them from the
/// JobSpec message, which is the one definition of a recipe; recipe/recipe_check.h holds the limits.
namespace mae {

/// Which images, and how they reach a step.
struct DataOptions {
  std::string dataset;            ///< name, for people and cards
  std::string format;             ///< idx, cifar10 or cifar100
  std::string path;               ///< folder or archive that holds it
  int64_t batch_size = 256;       ///< images a step
  bool drop_last = false;         ///< leave out the last, smaller batch of an epoch
  int64_t train_images = 0;       ///< first N of the split; 0: all
  int64_t validation_images = 0;  ///< first N of the split; 0: all
  int64_t workers = 1;            ///< threads that prepare batches
  int64_t cache_decoded_mib = 0;  ///< of memory for decoded images of both splits; 0: none are kept
  std::vector<double> mean;       ///< a channel, of pixel values in 0..1
  std::vector<double> std_dev;    ///< a channel, above 0

  bool operator==(const DataOptions&) const = default;
};

/// Which parameters weight decay shrinks.
enum class WeightDecayScope {
  kMatrices,  ///< two dimensions and more; fine-tuning also leaves out class token and position embedding
  kAll,
};

/// The rule that moves the weights.
enum class OptimizerAlgorithm {
  kAdamW,  ///< Loshchilov & Hutter 2019, arXiv:1711.05101
  kLars,   ///< momentum SGD, matrices scaled by |weight| / |gradient| (You et al. 2017, arXiv:1708.03888)
  kSgd,    ///< with momentum
};

/// An optimizer and what surrounds its step.
struct OptimizerOptions {
  double learning_rate = 1e-3;  ///< the peak of the schedule, above 0
  double beta1 = 0.9;           ///< AdamW, in [0, 1)
  double beta2 = 0.95;          ///< AdamW, in [0, 1)
  double epsilon = 1e-8;        ///< AdamW, above 0
  double weight_decay = 0.05;   ///< 0 and up
  WeightDecayScope weight_decay_scope = WeightDecayScope::kMatrices;
  double clip_grad_norm = 0.0;  ///< scale gradients down to this global norm; 0: no clipping
  OptimizerAlgorithm algorithm = OptimizerAlgorithm::kAdamW;
  double momentum = 0.9;            ///< LARS and SGD, in [0, 1)
  double trust_coefficient = 1e-3;  ///< LARS, above 0
  /// Each layer of the encoder learns at this share of the rate of the layer above it, in (0, 1]; 1: all
  /// alike.
  double layer_decay = 1.0;
  double ema_decay = 0.0;        ///< validate and publish a moving average of the weights, in [0, 1); 0: none
  int64_t accumulate_steps = 1;  ///< batches whose gradients make one step, at least 1
  double base_learning_rate = 0.0;  ///< that learning_rate came from; 0: it was given itself

  bool operator==(const OptimizerOptions&) const = default;
};

/// When the learning rate moves.
enum class ScheduleUnit {
  kStep,   ///< every step
  kEpoch,  ///< at the start of each epoch, constant inside it
};

/// How warm-up and cosine go together; optim/schedule.h has the formulas.
enum class ScheduleShape {
  kWarmupCosine,  ///< a linear warm-up from start to the optimizer's learning_rate, then half a cosine to end
  kCappedCosine,  ///< half a cosine from the first step to end, capped by a warm-up from 0
};

/// The learning rate over the epochs.
struct ScheduleOptions {
  int64_t epochs = 5;                ///< at least 1
  double warmup_epochs = 1.0;        ///< 0 to epochs
  double start_learning_rate = 0.0;  ///< 0 and up
  double end_learning_rate = 0.0;    ///< 0 and up
  ScheduleUnit unit = ScheduleUnit::kStep;
  double cosine_learning_rate = 0.0;  ///< where the cosine starts; 0: at the peak
  ScheduleShape shape = ScheduleShape::kWarmupCosine;

  bool operator==(const ScheduleOptions&) const = default;
};

enum class Precision {
  kFp32,
  kBf16,  ///< bf16 products by autocast; weights, optimizer and loss stay fp32
};

/// What a run does when loss or gradients are not finite (train/finite_guard.h).
struct SafetyOptions {
  int64_t skip_limit = 10;                     ///< steps skipped in a row before a rollback, at least 1
  int64_t rollback_limit = 3;                  ///< rollbacks before the job fails; 0: it fails at once
  double rollback_learning_rate_factor = 0.5;  ///< of all steps after a rollback, in (0, 1]

  bool operator==(const SafetyOptions&) const = default;
};

/// Masked-autoencoder pretraining.
struct PretrainOptions {
  MaskedAutoencoderOptions model;
  std::string preset{};  ///< name of the preset that filled the model, for people; may be empty
  bool operator==(const PretrainOptions&) const = default;
};

/// How the position embedding of a pretrained model is brought to another grid of patches; bicubic both ways.
enum class PositionResampling {
  kBicubic,             ///< without antialias (a = -0.75), as the public MAE code
  kBicubicAntialiased,  ///< with (a = -0.5, also where it grows), as timm
};

/// A classifier, over a pretrained encoder or from scratch.
struct FinetuneOptions {
  VisionTransformerOptions model;
  std::string from_model{};    ///< models/{model}/versions/{n}, for the card; empty: from scratch
  std::string from_weights{};  ///< its folder (model.safetensors, config.json); empty: from scratch
  std::string preset{};        ///< name of the preset that filled the model, for people; may be empty
  PositionResampling position_resampling = PositionResampling::kBicubic;
  bool operator==(const FinetuneOptions&) const = default;
};

/// A linear classifier over a frozen encoder.
struct LinearProbeOptions {
  /// Its encoder is that of the weights: no spec has it, train/source_model.h fills it in.
  VisionTransformerOptions model = {{}, 10, Pooling::kToken, 0.0, /*batch_norm_head=*/true};
  std::string from_model{};    ///< as in FinetuneOptions, never empty
  std::string from_weights{};  ///< as in FinetuneOptions, never empty
  bool operator==(const LinearProbeOptions&) const = default;
};

/// k-nearest-neighbour classification of what a frozen encoder makes of images; trains nothing.
struct KnnProbeOptions {
  EncoderOptions encoder{};  ///< that of the weights, as in LinearProbeOptions
  Pooling pooling = Pooling::kMean;
  int64_t neighbors = 20;      ///< training images that vote, at least 1
  double temperature = 0.07;   ///< a vote weighs exp(cosine / temperature); above 0
  std::string from_model{};    ///< as in FinetuneOptions, never empty
  std::string from_weights{};  ///< as in FinetuneOptions, never empty
  bool operator==(const KnnProbeOptions&) const = default;
};

/// A published model measured on a dataset; trains nothing.
struct EvaluateOptions {
  EncoderOptions encoder{};  ///< that of the weights, as in LinearProbeOptions
  bool on_train_split = false;
  std::string from_model{};    ///< as in FinetuneOptions, never empty
  std::string from_weights{};  ///< as in FinetuneOptions, never empty
  bool operator==(const EvaluateOptions&) const = default;
};

/// Who gives a job its processors.
enum class Launcher { kLocal, kSlurm };

/// One job, whole.
struct JobOptions {
  std::variant<PretrainOptions, FinetuneOptions, LinearProbeOptions, KnnProbeOptions, EvaluateOptions> kind;
  DataOptions data;
  AugmentationOptions augmentation;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  Precision precision = Precision::kBf16;
  uint64_t seed = 0;                         ///< every random choice derives from it
  int64_t checkpoint_every_epochs = 1;       ///< at least 1
  int64_t checkpoint_keep_last = 2;          ///< at least 1
  int64_t checkpoint_every_steps = 0;        ///< besides; 0: only by epochs
  bool checkpoint_keep_best = false;         ///< the one of the best validation gets written and stays
  int64_t checkpoint_keep_every_epochs = 0;  ///< those of every N-th epoch stay for good; 0: none
  SafetyOptions safety;
  std::string publish_model;                 ///< empty: the result stays in the job folder
  std::vector<std::string> publish_aliases;  ///< besides latest
  std::string publish_only_if_better;        ///< a metric; empty: the aliases move in any case
  int64_t threads = 0;                       ///< CPU threads; 0: all cores
  std::string device = "auto";               ///< auto, cpu, cuda or cuda:N
  bool recompute_activations = false;        ///< keep only what goes into each block for the backward pass
  bool cuda_graphs = true;                   ///< on a GPU: record a step's launches and replay them
  Launcher launcher = Launcher::kLocal;
  int64_t processes = 1;               ///< of this machine that train together, at least 1
  int64_t max_restarts = 3;            ///< after a process was lost
  int64_t rank_timeout_seconds = 300;  ///< that processes wait for one another, at least 1
  int64_t log_every_steps = 25;        ///< at least 1
  int64_t pictures = 6;                ///< validation images drawn after each epoch; 0: none
  bool tensorboard = true;             ///< write event files too
  int64_t histogram_every_epochs = 1;  ///< gradients' distributions for TensorBoard; 0: none
  std::string recipe;                  ///< name of the recipe, for the card

  bool is_pretrain() const { return std::holds_alternative<PretrainOptions>(kind); }
  /// Whether the job has epochs and makes a model; else it only measures one.
  bool trains() const {
    return !std::holds_alternative<KnnProbeOptions>(kind) && !std::holds_alternative<EvaluateOptions>(kind);
  }
  /// "pretrain", "finetune", "linear_probe", "knn_probe" or "evaluate", as in the proto.
  const char* kind_name() const {
    static constexpr const char* kNames[] = {"pretrain", "finetune", "linear_probe", "knn_probe", "evaluate"};
    return kNames[kind.index()];
  }

  const EncoderOptions& encoder() const {
    return std::visit(
        [](const auto& of) -> const EncoderOptions& {
          if constexpr (requires { of.model.encoder; }) {
            return of.model.encoder;
          } else {
            return of.encoder;
          }
        },
        kind);
  }
  /// The model that the job starts from, models/{model}/versions/{n}; empty: none.
  std::string from_model() const { return Source(/*weights=*/false); }
  /// The folder of its weights; empty: none.
  std::string from_weights() const { return Source(/*weights=*/true); }
  /// Does nothing for a kind that starts from no model.
  void set_from_weights(const std::string& folder) {
    std::visit(
        [&folder](auto& of) {
          if constexpr (requires { of.from_weights; }) of.from_weights = folder;
        },
        kind);
  }

  bool operator==(const JobOptions&) const = default;

 private:
  std::string Source(bool weights) const {
    return std::visit(
        [weights](const auto& of) -> std::string {
          if constexpr (requires { of.from_weights; }) {
            return weights ? of.from_weights : of.from_model;
          } else {
            return "";
          }
        },
        kind);
  }
};

}  // namespace mae
