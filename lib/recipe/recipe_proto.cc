#include "recipe/recipe_proto.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "recipe/augmentation_proto.h"
#include "recipe/from_model.h"
#include "recipe/probe_proto.h"

namespace mae {
namespace {

// An unspecified enum value keeps the option's default, which is what its comment in job.proto says.
void ReadPositionEmbedding(v1::PositionEmbedding value, PositionEmbedding& out) {
  if (value == v1::POSITION_EMBEDDING_SINCOS) out = PositionEmbedding::kSinCos;
  if (value == v1::POSITION_EMBEDDING_LEARNED) out = PositionEmbedding::kLearned;
}

WeightDecayScope ReadScope(v1::WeightDecayScope value) {
  return value == v1::WEIGHT_DECAY_SCOPE_ALL ? WeightDecayScope::kAll : WeightDecayScope::kMatrices;
}

OptimizerAlgorithm ReadAlgorithm(v1::OptimizerAlgorithm value) {
  if (value == v1::OPTIMIZER_ALGORITHM_LARS) return OptimizerAlgorithm::kLars;
  return value == v1::OPTIMIZER_ALGORITHM_SGD ? OptimizerAlgorithm::kSgd : OptimizerAlgorithm::kAdamW;
}

ScheduleShape ReadShape(v1::ScheduleShape value) {
  return value == v1::SCHEDULE_SHAPE_CAPPED_COSINE ? ScheduleShape::kCappedCosine
                                                   : ScheduleShape::kWarmupCosine;
}

ScheduleUnit ReadUnit(v1::ScheduleUnit value) {
  return value == v1::SCHEDULE_UNIT_EPOCH ? ScheduleUnit::kEpoch : ScheduleUnit::kStep;
}

Precision ReadPrecision(v1::Precision value) {
  return value == v1::PRECISION_FP32 ? Precision::kFp32 : Precision::kBf16;
}

PositionResampling ReadResampling(v1::PositionResampling value) {
  return value == v1::POSITION_RESAMPLING_BICUBIC_ANTIALIASED ? PositionResampling::kBicubicAntialiased
                                                              : PositionResampling::kBicubic;
}

v1::PositionEmbedding WritePositionEmbedding(PositionEmbedding value) {
  return value == PositionEmbedding::kLearned ? v1::POSITION_EMBEDDING_LEARNED
                                              : v1::POSITION_EMBEDDING_SINCOS;
}

v1::PositionResampling WriteResampling(PositionResampling value) {
  return value == PositionResampling::kBicubicAntialiased ? v1::POSITION_RESAMPLING_BICUBIC_ANTIALIASED
                                                          : v1::POSITION_RESAMPLING_BICUBIC;
}

v1::WeightDecayScope WriteScope(WeightDecayScope value) {
  return value == WeightDecayScope::kAll ? v1::WEIGHT_DECAY_SCOPE_ALL : v1::WEIGHT_DECAY_SCOPE_MATRICES;
}

v1::OptimizerAlgorithm WriteAlgorithm(OptimizerAlgorithm value) {
  if (value == OptimizerAlgorithm::kLars) return v1::OPTIMIZER_ALGORITHM_LARS;
  return value == OptimizerAlgorithm::kSgd ? v1::OPTIMIZER_ALGORITHM_SGD : v1::OPTIMIZER_ALGORITHM_ADAMW;
}

v1::ScheduleShape WriteShape(ScheduleShape value) {
  return value == ScheduleShape::kCappedCosine ? v1::SCHEDULE_SHAPE_CAPPED_COSINE
                                               : v1::SCHEDULE_SHAPE_WARMUP_COSINE;
}

v1::ScheduleUnit WriteUnit(ScheduleUnit value) {
  return value == ScheduleUnit::kEpoch ? v1::SCHEDULE_UNIT_EPOCH : v1::SCHEDULE_UNIT_STEP;
}

v1::Precision WritePrecision(Precision value) {
  return value == Precision::kFp32 ? v1::PRECISION_FP32 : v1::PRECISION_BF16;
}

void ReadEncoder(const v1::ModelSpec& spec, EncoderOptions& out) {
  if (spec.has_channels()) out.channels = spec.channels();
  if (spec.has_image_height()) out.image_height = spec.image_height();
  if (spec.has_image_width()) out.image_width = spec.image_width();
  if (spec.has_patch_size()) out.patch_size = spec.patch_size();
  if (spec.has_embed_dim()) out.embed_dim = spec.embed_dim();
  if (spec.has_depth()) out.depth = spec.depth();
  if (spec.has_num_heads()) out.num_heads = spec.num_heads();
  if (spec.has_mlp_ratio()) out.mlp_ratio = spec.mlp_ratio();
  if (spec.has_qkv_bias()) out.qkv_bias = spec.qkv_bias();
  if (spec.has_layer_norm_eps()) out.layer_norm_eps = spec.layer_norm_eps();
  ReadPositionEmbedding(spec.position_embedding(), out.position_embedding);
}

void WriteEncoder(const EncoderOptions& options, v1::ModelSpec& out) {
  out.set_channels(static_cast<int32_t>(options.channels));
  out.set_image_height(static_cast<int32_t>(options.image_height));
  out.set_image_width(static_cast<int32_t>(options.image_width));
  out.set_patch_size(static_cast<int32_t>(options.patch_size));
  out.set_embed_dim(static_cast<int32_t>(options.embed_dim));
  out.set_depth(static_cast<int32_t>(options.depth));
  out.set_num_heads(static_cast<int32_t>(options.num_heads));
  out.set_mlp_ratio(options.mlp_ratio);
  out.set_qkv_bias(options.qkv_bias);
  out.set_layer_norm_eps(options.layer_norm_eps);
  out.set_position_embedding(WritePositionEmbedding(options.position_embedding));
}

void ReadDecoder(const v1::DecoderSpec& spec, DecoderOptions& out) {
  if (spec.has_embed_dim()) out.embed_dim = spec.embed_dim();
  if (spec.has_depth()) out.depth = spec.depth();
  if (spec.has_num_heads()) out.num_heads = spec.num_heads();
}

void WriteDecoder(const DecoderOptions& options, v1::DecoderSpec& out) {
  out.set_embed_dim(static_cast<int32_t>(options.embed_dim));
  out.set_depth(static_cast<int32_t>(options.depth));
  out.set_num_heads(static_cast<int32_t>(options.num_heads));
}

PretrainOptions ReadPretrain(const v1::PretrainSpec& spec) {
  PretrainOptions out;
  out.preset = spec.model().preset();
  ReadEncoder(spec.model(), out.model.encoder);
  ReadDecoder(spec.model().decoder(), out.model.decoder);
  if (spec.has_mask_ratio()) out.model.mask_ratio = spec.mask_ratio();
  out.model.norm_pix_loss = spec.norm_pix_loss();
  return out;
}

void WritePretrain(const PretrainOptions& options, v1::PretrainSpec& out) {
  out.mutable_model()->set_preset(options.preset);
  WriteEncoder(options.model.encoder, *out.mutable_model());
  WriteDecoder(options.model.decoder, *out.mutable_model()->mutable_decoder());
  out.set_mask_ratio(options.model.mask_ratio);
  out.set_norm_pix_loss(options.model.norm_pix_loss);
}

FinetuneOptions ReadFinetune(const v1::FinetuneSpec& spec) {
  FinetuneOptions out;
  out.preset = spec.model().preset();
  out.from_model = spec.from_model();
  ReadEncoder(spec.model(), out.model.encoder);
  out.model.num_classes = spec.num_classes();
  out.model.pooling = ReadPooling(spec.pooling(), Pooling::kMean);
  out.model.drop_path = spec.drop_path();
  out.position_resampling = ReadResampling(spec.position_resampling());
  return out;
}

void WriteFinetune(const FinetuneOptions& options, v1::FinetuneSpec& out) {
  out.set_from_model(options.from_model);
  out.mutable_model()->set_preset(options.preset);
  WriteEncoder(options.model.encoder, *out.mutable_model());
  out.set_num_classes(static_cast<int32_t>(options.model.num_classes));
  out.set_pooling(WritePooling(options.model.pooling));
  out.set_drop_path(options.model.drop_path);
  out.set_position_resampling(WriteResampling(options.position_resampling));
}

void ReadData(const v1::DataSpec& spec, DataOptions& out) {
  out.dataset = spec.dataset();
  if (spec.has_batch_size()) out.batch_size = spec.batch_size();
  out.drop_last = spec.drop_last();
  out.train_images = spec.train_images();
  out.validation_images = spec.validation_images();
  if (spec.has_workers()) out.workers = spec.workers();
  out.cache_decoded_mib = spec.cache_decoded_mib();
  out.mean.assign(spec.mean().begin(), spec.mean().end());
  out.std_dev.assign(spec.std().begin(), spec.std().end());
}

void WriteData(const DataOptions& options, v1::DataSpec& out) {
  out.set_dataset(options.dataset);
  out.set_batch_size(static_cast<int32_t>(options.batch_size));
  out.set_drop_last(options.drop_last);
  out.set_train_images(options.train_images);
  out.set_validation_images(options.validation_images);
  out.set_workers(static_cast<int32_t>(options.workers));
  out.set_cache_decoded_mib(static_cast<int32_t>(options.cache_decoded_mib));
  out.mutable_mean()->Assign(options.mean.begin(), options.mean.end());
  out.mutable_std()->Assign(options.std_dev.begin(), options.std_dev.end());
}

void ReadOptimizer(const v1::OptimizerSpec& spec, OptimizerOptions& out) {
  if (spec.has_learning_rate()) out.learning_rate = spec.learning_rate();
  if (spec.has_beta1()) out.beta1 = spec.beta1();
  if (spec.has_beta2()) out.beta2 = spec.beta2();
  if (spec.has_epsilon()) out.epsilon = spec.epsilon();
  if (spec.has_weight_decay()) out.weight_decay = spec.weight_decay();
  out.weight_decay_scope = ReadScope(spec.weight_decay_scope());
  out.clip_grad_norm = spec.clip_grad_norm();
  out.algorithm = ReadAlgorithm(spec.algorithm());
  if (spec.has_momentum()) out.momentum = spec.momentum();
  if (spec.has_trust_coefficient()) out.trust_coefficient = spec.trust_coefficient();
  if (spec.has_layer_decay()) out.layer_decay = spec.layer_decay();
  out.ema_decay = spec.ema_decay();
  if (spec.has_accumulate_steps()) out.accumulate_steps = spec.accumulate_steps();
  out.base_learning_rate = spec.base_learning_rate();
}

void WriteOptimizer(const OptimizerOptions& options, v1::OptimizerSpec& out) {
  out.set_learning_rate(options.learning_rate);
  out.set_beta1(options.beta1);
  out.set_beta2(options.beta2);
  out.set_epsilon(options.epsilon);
  out.set_weight_decay(options.weight_decay);
  out.set_weight_decay_scope(WriteScope(options.weight_decay_scope));
  out.set_clip_grad_norm(options.clip_grad_norm);
  out.set_algorithm(WriteAlgorithm(options.algorithm));
  out.set_momentum(options.momentum);
  out.set_trust_coefficient(options.trust_coefficient);
  out.set_layer_decay(options.layer_decay);
  out.set_ema_decay(options.ema_decay);
  out.set_accumulate_steps(static_cast<int32_t>(options.accumulate_steps));
  out.set_base_learning_rate(options.base_learning_rate);
}

void ReadSchedule(const v1::ScheduleSpec& spec, ScheduleOptions& out) {
  out.epochs = spec.epochs();
  out.warmup_epochs = spec.warmup_epochs();
  out.start_learning_rate = spec.start_learning_rate();
  out.end_learning_rate = spec.end_learning_rate();
  out.unit = ReadUnit(spec.unit());
  out.cosine_learning_rate = spec.cosine_learning_rate();
  out.shape = ReadShape(spec.shape());
}

void WriteSchedule(const ScheduleOptions& options, v1::ScheduleSpec& out) {
  out.set_epochs(static_cast<int32_t>(options.epochs));
  out.set_warmup_epochs(options.warmup_epochs);
  out.set_start_learning_rate(options.start_learning_rate);
  out.set_end_learning_rate(options.end_learning_rate);
  out.set_unit(WriteUnit(options.unit));
  out.set_cosine_learning_rate(options.cosine_learning_rate);
  out.set_shape(WriteShape(options.shape));
}

absl::Status ReadKind(const v1::JobSpec& spec, JobOptions& out) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPretrain:
      out.kind = ReadPretrain(spec.pretrain());
      return absl::OkStatus();
    case v1::JobSpec::kFinetune:
      out.kind = ReadFinetune(spec.finetune());
      return absl::OkStatus();
    case v1::JobSpec::kLinearProbe:
      out.kind = ReadProbe(spec.linear_probe());
      return absl::OkStatus();
    case v1::JobSpec::kKnnProbe:
      out.kind = ReadProbe(spec.knn_probe());
      return absl::OkStatus();
    case v1::JobSpec::kEvaluate:
      out.kind = ReadProbe(spec.evaluate());
      return absl::OkStatus();
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat("kind: not set; a job needs one of ", AllKindNames()));
}

void WriteKind(const PretrainOptions& kind, v1::JobSpec& out) {
  WritePretrain(kind, *out.mutable_pretrain());
}
void WriteKind(const FinetuneOptions& kind, v1::JobSpec& out) {
  WriteFinetune(kind, *out.mutable_finetune());
}
template <typename Kind>
void WriteKind(const Kind& kind, v1::JobSpec& out) {
  WriteProbe(kind, out);
}

void ReadCheckpoint(const v1::CheckpointSpec& spec, JobOptions& out) {
  if (spec.has_every_epochs()) out.checkpoint_every_epochs = spec.every_epochs();
  if (spec.has_keep_last()) out.checkpoint_keep_last = spec.keep_last();
  out.checkpoint_every_steps = spec.every_steps();
  out.checkpoint_keep_best = spec.keep_best();
  out.checkpoint_keep_every_epochs = spec.keep_every_epochs();
}

void WriteCheckpoint(const JobOptions& options, v1::CheckpointSpec& out) {
  out.set_every_epochs(static_cast<int32_t>(options.checkpoint_every_epochs));
  out.set_keep_last(static_cast<int32_t>(options.checkpoint_keep_last));
  out.set_every_steps(static_cast<int32_t>(options.checkpoint_every_steps));
  out.set_keep_best(options.checkpoint_keep_best);
  out.set_keep_every_epochs(static_cast<int32_t>(options.checkpoint_keep_every_epochs));
}

void ReadSafety(const v1::SafetySpec& spec, SafetyOptions& out) {
  if (spec.has_skip_limit()) out.skip_limit = spec.skip_limit();
  if (spec.has_rollback_limit()) out.rollback_limit = spec.rollback_limit();
  if (spec.has_rollback_learning_rate_factor())
    out.rollback_learning_rate_factor = spec.rollback_learning_rate_factor();
}

void WriteSafety(const SafetyOptions& options, v1::SafetySpec& out) {
  out.set_skip_limit(static_cast<int32_t>(options.skip_limit));
  out.set_rollback_limit(static_cast<int32_t>(options.rollback_limit));
  out.set_rollback_learning_rate_factor(options.rollback_learning_rate_factor);
}

void ReadResources(const v1::ResourceSpec& spec, JobOptions& out) {
  out.threads = spec.threads();
  if (!spec.device().empty()) out.device = spec.device();
  out.recompute_activations = spec.recompute_activations();
  if (spec.has_cuda_graphs()) out.cuda_graphs = spec.cuda_graphs();
  out.launcher = spec.launcher() == v1::LAUNCHER_SLURM ? Launcher::kSlurm : Launcher::kLocal;
  if (spec.has_processes()) out.processes = spec.processes();
  if (spec.has_max_restarts()) out.max_restarts = spec.max_restarts();
  if (spec.has_rank_timeout_seconds()) out.rank_timeout_seconds = spec.rank_timeout_seconds();
}

void WriteResources(const JobOptions& options, v1::ResourceSpec& out) {
  out.set_threads(static_cast<int32_t>(options.threads));
  out.set_device(options.device);
  out.set_recompute_activations(options.recompute_activations);
  out.set_cuda_graphs(options.cuda_graphs);
  out.set_launcher(options.launcher == Launcher::kSlurm ? v1::LAUNCHER_SLURM : v1::LAUNCHER_LOCAL);
  out.set_processes(static_cast<int32_t>(options.processes));
  out.set_max_restarts(static_cast<int32_t>(options.max_restarts));
  out.set_rank_timeout_seconds(static_cast<int32_t>(options.rank_timeout_seconds));
}

// Checkpoints, safety, publishing, resources and logging.
void ReadRun(const v1::JobSpec& spec, JobOptions& out) {
  out.precision = ReadPrecision(spec.precision());
  out.seed = spec.seed();
  ReadCheckpoint(spec.checkpoint(), out);
  ReadSafety(spec.safety(), out.safety);
  out.publish_model = spec.publish().model();
  out.publish_aliases.assign(spec.publish().aliases().begin(), spec.publish().aliases().end());
  out.publish_only_if_better = spec.publish().only_if_better();
  ReadResources(spec.resources(), out);
  if (spec.logging().has_every_steps()) out.log_every_steps = spec.logging().every_steps();
  if (spec.logging().has_pictures()) out.pictures = spec.logging().pictures();
  if (spec.logging().has_tensorboard()) out.tensorboard = spec.logging().tensorboard();
  if (spec.logging().has_histogram_every_epochs())
    out.histogram_every_epochs = spec.logging().histogram_every_epochs();
}

void WriteRun(const JobOptions& options, v1::JobSpec& out) {
  out.set_precision(WritePrecision(options.precision));
  out.set_seed(options.seed);
  WriteCheckpoint(options, *out.mutable_checkpoint());
  WriteSafety(options.safety, *out.mutable_safety());
  out.mutable_publish()->set_model(options.publish_model);
  out.mutable_publish()->mutable_aliases()->Assign(options.publish_aliases.begin(),
                                                   options.publish_aliases.end());
  out.mutable_publish()->set_only_if_better(options.publish_only_if_better);
  WriteResources(options, *out.mutable_resources());
  out.mutable_logging()->set_every_steps(static_cast<int32_t>(options.log_every_steps));
  out.mutable_logging()->set_pictures(static_cast<int32_t>(options.pictures));
  out.mutable_logging()->set_tensorboard(options.tensorboard);
  out.mutable_logging()->set_histogram_every_epochs(static_cast<int32_t>(options.histogram_every_epochs));
}

}  // namespace

absl::StatusOr<JobOptions> OptionsFromSpec(const v1::JobSpec& spec) {
  JobOptions out;
  MAE_RETURN_IF_ERROR(ReadKind(spec, out));
  ReadData(spec.data(), out.data);
  out.augmentation = ReadAugmentation(spec.augmentation());
  ReadOptimizer(spec.optimizer(), out.optimizer);
  ReadSchedule(spec.schedule(), out.schedule);
  ReadRun(spec, out);
  return out;
}

v1::JobSpec SpecFromOptions(const JobOptions& options) {
  v1::JobSpec out;
  std::visit([&out](const auto& kind) { WriteKind(kind, out); }, options.kind);
  WriteData(options.data, *out.mutable_data());
  WriteAugmentation(options.augmentation, *out.mutable_augmentation());
  WriteOptimizer(options.optimizer, *out.mutable_optimizer());
  WriteSchedule(options.schedule, *out.mutable_schedule());
  WriteRun(options, out);
  return out;
}

}  // namespace mae
