#include "recipe/recipe_defaults.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_word.h"
#include "options/model_presets.h"
#include "recipe/augmentation_limits.h"
#include "recipe/from_model.h"

namespace mae {
namespace {

constexpr const char* kDefaultPreset = "tiny";
// Up to this side an image takes small patches: at the preset's it would be a handful of tokens.
constexpr int64_t kSmallImage = 64;
constexpr int64_t kSmallPatch = 4;
// Of linear probing (He et al. 2022, appendix A.1).
constexpr double kProbeBaseRate = 0.1;
// The batch that a base learning rate is stated for (Goyal et al. 2017, arXiv:1706.02677).
constexpr double kBaseBatch = 256;

// The value of a proto3 optional field, set to `fallback` first if it has none.
#define MAE_FILL(message, field, fallback) \
  if (!(message).has_##field()) (message).set_##field(fallback)

bool NeedsPreset(const v1::ModelSpec& model, bool with_decoder) {
  const auto& decoder = model.decoder();
  const bool encoder_whole = model.has_embed_dim() && model.has_depth() && model.has_num_heads();
  const bool decoder_whole = decoder.has_embed_dim() && decoder.has_depth() && decoder.has_num_heads();
  return !encoder_whole || (with_decoder && !decoder_whole);
}

// The preset that the spec names, with a violation if there is none of that name; the default one then
// serves, so that the checks of other fields still mean something.
ModelPreset PresetOf(const v1::ModelSpec& model, const std::string& path, ViolationList& violations) {
  const auto found = FindModelPreset(model.preset());
  if (found.has_value()) return *found;
  if (!model.preset().empty()) {
    std::vector<std::string> names;
    for (const auto& preset : ModelPresets()) names.emplace_back(preset.name);
    violations.Add(path + "preset",
                   absl::StrCat("is \"", model.preset(), "\"; must be one of ", absl::StrJoin(names, ", "),
                                DidYouMean(model.preset(), names)));
  }
  return *FindModelPreset(kDefaultPreset);
}

// The largest patch up to the wanted one that divides both sides, if it is at least half as large: much
// smaller patches make a far larger model than was asked for, which only the user can want.
int64_t DefaultPatch(const ModelPreset& preset, const v1::ModelSpec& model) {
  const int64_t height = model.image_height();
  const int64_t width = model.image_width();
  const bool small = std::max(height, width) <= kSmallImage;
  const int64_t wanted = small ? kSmallPatch : preset.patch_size;
  for (int64_t patch = wanted; 2 * patch >= wanted; --patch) {
    if (height % patch == 0 && width % patch == 0) return patch;
  }
  return wanted;
}

void FillSizes(const ModelPreset& preset, v1::ModelSpec& model) {
  MAE_FILL(model, embed_dim, static_cast<int32_t>(preset.embed_dim));
  MAE_FILL(model, depth, static_cast<int32_t>(preset.depth));
  MAE_FILL(model, num_heads, static_cast<int32_t>(preset.num_heads));
}

void FillDecoder(const ModelPreset& preset, v1::DecoderSpec& decoder) {
  MAE_FILL(decoder, embed_dim, static_cast<int32_t>(preset.decoder.embed_dim));
  MAE_FILL(decoder, depth, static_cast<int32_t>(preset.decoder.depth));
  MAE_FILL(decoder, num_heads, static_cast<int32_t>(preset.decoder.num_heads));
}

void FillImage(const DatasetInfo& dataset, v1::ModelSpec& model) {
  MAE_FILL(model, image_height, static_cast<int32_t>(dataset.height));
  MAE_FILL(model, image_width, static_cast<int32_t>(dataset.width));
  MAE_FILL(model, channels, static_cast<int32_t>(dataset.channels));
}

// Encoded images are brought to any size, so the best is what the model has learned from.
void FillImageSize(const EncoderOptions& like, v1::ModelSpec& model) {
  MAE_FILL(model, image_height, static_cast<int32_t>(like.image_height));
  MAE_FILL(model, image_width, static_cast<int32_t>(like.image_width));
}

// What no preset says; `like` gives it.
void FillRest(const EncoderOptions& like, v1::ModelSpec& model) {
  MAE_FILL(model, mlp_ratio, like.mlp_ratio);
  MAE_FILL(model, qkv_bias, like.qkv_bias);
  MAE_FILL(model, layer_norm_eps, like.layer_norm_eps);
  if (model.position_embedding() == v1::POSITION_EMBEDDING_UNSPECIFIED)
    model.set_position_embedding(like.position_embedding == PositionEmbedding::kLearned
                                     ? v1::POSITION_EMBEDDING_LEARNED
                                     : v1::POSITION_EMBEDDING_SINCOS);
}

void FillFromModel(const EncoderOptions& pretrained, v1::ModelSpec& model) {
  MAE_FILL(model, patch_size, static_cast<int32_t>(pretrained.patch_size));
  MAE_FILL(model, embed_dim, static_cast<int32_t>(pretrained.embed_dim));
  MAE_FILL(model, depth, static_cast<int32_t>(pretrained.depth));
  MAE_FILL(model, num_heads, static_cast<int32_t>(pretrained.num_heads));
  FillRest(pretrained, model);
}

void FillPretrain(const RecipeContext& context, v1::PretrainSpec& spec, ViolationList& violations) {
  auto& model = *spec.mutable_model();
  if (model.preset().empty() && NeedsPreset(model, /*with_decoder=*/true)) model.set_preset(kDefaultPreset);
  const auto preset = PresetOf(model, "pretrain.model.", violations);
  FillImage(context.dataset, model);
  MAE_FILL(model, patch_size, static_cast<int32_t>(DefaultPatch(preset, model)));
  FillSizes(preset, model);
  FillDecoder(preset, *model.mutable_decoder());
  FillRest(EncoderOptions(), model);
  MAE_FILL(spec, mask_ratio, MaskedAutoencoderOptions().mask_ratio);
}

// The encoder of a classifier that starts from scratch.
void FillScratch(v1::ModelSpec& model, ViolationList& violations) {
  if (model.preset().empty() && NeedsPreset(model, /*with_decoder=*/false)) model.set_preset(kDefaultPreset);
  const auto preset = PresetOf(model, "finetune.model.", violations);
  MAE_FILL(model, patch_size, static_cast<int32_t>(DefaultPatch(preset, model)));
  FillSizes(preset, model);
  EncoderOptions like;
  like.position_embedding = PositionEmbedding::kLearned;
  FillRest(like, model);
}

void FillFinetune(const RecipeContext& context, v1::FinetuneSpec& spec, ViolationList& violations) {
  auto& model = *spec.mutable_model();
  const bool pretrained = !spec.from_model().empty() && context.from_model.has_value();
  if (pretrained && context.dataset.encoded) FillImageSize(context.from_model->encoder(), model);
  FillImage(context.dataset, model);
  if (pretrained) {
    if (!model.preset().empty()) FillSizes(PresetOf(model, "finetune.model.", violations), model);
    FillFromModel(context.from_model->encoder(), model);
  } else {
    FillScratch(model, violations);
  }
  if (spec.pooling() == v1::POOLING_UNSPECIFIED) spec.set_pooling(v1::POOLING_MEAN);
  if (spec.position_resampling() == v1::POSITION_RESAMPLING_UNSPECIFIED)
    spec.set_position_resampling(v1::POSITION_RESAMPLING_BICUBIC);
  if (spec.num_classes() == 0) spec.set_num_classes(static_cast<int32_t>(context.dataset.labels.size()));
}

void FillLinearProbe(const RecipeContext& context, v1::LinearProbeSpec& spec) {
  if (spec.pooling() == v1::POOLING_UNSPECIFIED) spec.set_pooling(v1::POOLING_TOKEN);
  if (spec.num_classes() == 0) spec.set_num_classes(static_cast<int32_t>(context.dataset.labels.size()));
}

void FillKnnProbe(v1::KnnProbeSpec& spec) {
  if (spec.pooling() == v1::POOLING_UNSPECIFIED) spec.set_pooling(v1::POOLING_MEAN);
  MAE_FILL(spec, neighbors, static_cast<int32_t>(KnnProbeOptions().neighbors));
  MAE_FILL(spec, temperature, KnnProbeOptions().temperature);
}

void FillEvaluate(v1::EvaluateSpec& spec) {
  if (spec.split() == v1::EVALUATION_SPLIT_UNSPECIFIED) spec.set_split(v1::EVALUATION_SPLIT_VALIDATION);
}

void FillKind(const RecipeContext& context, v1::JobSpec& spec, ViolationList& violations) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPretrain:
      return FillPretrain(context, *spec.mutable_pretrain(), violations);
    case v1::JobSpec::kFinetune:
      return FillFinetune(context, *spec.mutable_finetune(), violations);
    case v1::JobSpec::kLinearProbe:
      return FillLinearProbe(context, *spec.mutable_linear_probe());
    case v1::JobSpec::kKnnProbe:
      return FillKnnProbe(*spec.mutable_knn_probe());
    case v1::JobSpec::kEvaluate:
      return FillEvaluate(*spec.mutable_evaluate());
    case v1::JobSpec::KIND_NOT_SET:
      return violations.Add("kind", absl::StrCat("is not set; a job needs one of ", AllKindNames()));
  }
}

void CheckFromModel(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  const std::string name = FromModelOf(spec), field = FromModelField(spec);
  if (!name.empty() && !context.from_model.has_value())
    violations.Add(field,
                   absl::StrCat("is \"", name, "\"; no such model: list-models shows those there are"));
  if (name.empty() && !field.empty() && !spec.has_finetune())
    violations.Add(field, "is not set; must name a model: list-models shows those there are");
}

// A pretrained encoder goes on seeing pixels normalised as it learned them.
bool FollowsNormalisation(const RecipeContext& context, const v1::JobSpec& spec) {
  const int64_t channels =
      spec.has_finetune() ? spec.finetune().model().channels() : context.dataset.channels;
  return !FromModelOf(spec).empty() && context.from_model.has_value() &&
         static_cast<int64_t>(context.from_model->mean.size()) == channels;
}

void FillData(const RecipeContext& context, const v1::JobSpec& spec, v1::DataSpec& data) {
  MAE_FILL(data, batch_size, 256);
  MAE_FILL(data, workers, 1);
  const bool follow = FollowsNormalisation(context, spec);
  const auto& mean = follow ? context.from_model->mean : context.dataset.mean;
  const auto& std_dev = follow ? context.from_model->std_dev : context.dataset.std_dev;
  if (data.mean().empty()) data.mutable_mean()->Assign(mean.begin(), mean.end());
  if (data.std().empty()) data.mutable_std()->Assign(std_dev.begin(), std_dev.end());
}

void FillLearningRate(const v1::JobSpec& spec, v1::OptimizerSpec& optimizer) {
  const double base = optimizer.base_learning_rate();
  MAE_FILL(optimizer, learning_rate, base > 0 ? ScaledLearningRate(spec) : 1e-3);
}

void FillOptimizer(const v1::JobSpec& spec, v1::OptimizerSpec& optimizer) {
  const OptimizerOptions like;
  const bool probe = spec.has_linear_probe();
  MAE_FILL(optimizer, accumulate_steps, static_cast<int32_t>(like.accumulate_steps));
  if (optimizer.algorithm() == v1::OPTIMIZER_ALGORITHM_UNSPECIFIED)
    optimizer.set_algorithm(probe ? v1::OPTIMIZER_ALGORITHM_LARS : v1::OPTIMIZER_ALGORITHM_ADAMW);
  // A rate that suits LARS would be a hundred times too much for AdamW.
  if (probe && optimizer.algorithm() == v1::OPTIMIZER_ALGORITHM_LARS && !optimizer.has_learning_rate() &&
      optimizer.base_learning_rate() == 0)
    optimizer.set_base_learning_rate(kProbeBaseRate);
  FillLearningRate(spec, optimizer);
  MAE_FILL(optimizer, beta1, 0.9);
  MAE_FILL(optimizer, beta2, spec.has_pretrain() ? 0.95 : 0.999);
  MAE_FILL(optimizer, epsilon, 1e-8);
  MAE_FILL(optimizer, weight_decay, probe ? 0.0 : 0.05);
  MAE_FILL(optimizer, momentum, like.momentum);
  MAE_FILL(optimizer, trust_coefficient, like.trust_coefficient);
  MAE_FILL(optimizer, layer_decay, like.layer_decay);
  if (optimizer.weight_decay_scope() == v1::WEIGHT_DECAY_SCOPE_UNSPECIFIED)
    optimizer.set_weight_decay_scope(v1::WEIGHT_DECAY_SCOPE_MATRICES);
}

void FillSafety(v1::SafetySpec& safety) {
  const SafetyOptions defaults;
  MAE_FILL(safety, skip_limit, static_cast<int32_t>(defaults.skip_limit));
  MAE_FILL(safety, rollback_limit, static_cast<int32_t>(defaults.rollback_limit));
  MAE_FILL(safety, rollback_learning_rate_factor, defaults.rollback_learning_rate_factor);
}

void FillSchedule(bool trains, v1::ScheduleSpec& schedule) {
  if (!trains && schedule.epochs() == 0) schedule.set_epochs(1);
  if (schedule.unit() == v1::SCHEDULE_UNIT_UNSPECIFIED) schedule.set_unit(v1::SCHEDULE_UNIT_STEP);
  if (schedule.shape() == v1::SCHEDULE_SHAPE_UNSPECIFIED)
    schedule.set_shape(v1::SCHEDULE_SHAPE_WARMUP_COSINE);
}

// Precision, checkpoints, safety, publishing, resources and logging.
void FillRun(const RecipeContext& context, v1::JobSpec& spec) {
  if (spec.precision() == v1::PRECISION_UNSPECIFIED)
    spec.set_precision(context.precision == Precision::kBf16 ? v1::PRECISION_BF16 : v1::PRECISION_FP32);
  MAE_FILL(*spec.mutable_checkpoint(), every_epochs, 1);
  MAE_FILL(*spec.mutable_checkpoint(), keep_last, 2);
  FillSafety(*spec.mutable_safety());
  spec.mutable_publish();
  FillAugmentation(*spec.mutable_augmentation());
  if (spec.resources().device().empty()) spec.mutable_resources()->set_device("auto");
  MAE_FILL(*spec.mutable_resources(), cuda_graphs, true);
  if (spec.resources().launcher() == v1::LAUNCHER_UNSPECIFIED)
    spec.mutable_resources()->set_launcher(v1::LAUNCHER_LOCAL);
  MAE_FILL(*spec.mutable_resources(), processes, 1);
  MAE_FILL(*spec.mutable_resources(), max_restarts, 3);
  MAE_FILL(*spec.mutable_resources(), rank_timeout_seconds, 300);
  MAE_FILL(*spec.mutable_logging(), every_steps, 25);
  MAE_FILL(*spec.mutable_logging(), pictures, 6);
  MAE_FILL(*spec.mutable_logging(), tensorboard, true);
  MAE_FILL(*spec.mutable_logging(), histogram_every_epochs, 1);
}

#undef MAE_FILL

}  // namespace

double ScaledLearningRate(const v1::JobSpec& spec) {
  const double batch = spec.data().batch_size() * static_cast<double>(spec.optimizer().accumulate_steps());
  return spec.optimizer().base_learning_rate() * batch / kBaseBatch;
}

void FillDefaults(const RecipeContext& context, v1::JobSpec& spec, ViolationList& violations) {
  CheckFromModel(context, spec, violations);
  FillKind(context, spec, violations);
  FillData(context, spec, *spec.mutable_data());
  FillOptimizer(spec, *spec.mutable_optimizer());
  FillSchedule(TrainsModel(spec), *spec.mutable_schedule());
  FillRun(context, spec);
}

}  // namespace mae
