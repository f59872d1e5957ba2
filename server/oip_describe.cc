#include "server/oip_describe.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/oip_datatype.h"
#include "server/oip_infer.h"
#include "server/oip_signature.h"

namespace mae {
namespace {

// In the protocol's way, framework_format.
constexpr char kPlatform[] = "pytorch_safetensors";
constexpr char kBackend[] = "mae_server";

void DescribeTensor(const TensorSpec& spec, inference::ModelMetadataResponse::TensorMetadata& message) {
  message.set_name(spec.name);
  message.set_datatype(std::string(DatatypeName(spec.type)));
  if (spec.by_image) message.add_shape(-1);
  message.mutable_shape()->Add(spec.dims.begin(), spec.dims.end());
}

// What a client must know to normalise pixel_values itself, and to read masks; the precision is as
// configured.
void DescribeParameters(const mae::ModelConfig& config, const std::string& precision,
                        inference::ModelConfig& message) {
  const auto set = [&](const std::string& name, const std::string& value) {
    (*message.mutable_parameters())[name].set_string_value(value);
  };
  set("kind", config.kind_name());
  set("mean", absl::StrJoin(config.mean, ","));
  set("std", absl::StrJoin(config.std_dev, ","));
  set("patch_size", absl::StrCat(config.encoder().patch_size));
  set("precision", precision);
  if (const auto* model = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    set("mask_ratio", absl::StrCat(model->mask_ratio));
    set("norm_pix_loss", model->norm_pix_loss ? "true" : "false");
  }
}

void DescribeBatching(const ServerConfig::Inference& settings, inference::ModelDynamicBatching& message) {
  for (const int64_t size : settings.preferred_batches) {
    if (size > settings.max_batch) break;  // rising
    message.add_preferred_batch_size(static_cast<int32_t>(size));
  }
  message.set_max_queue_delay_microseconds(static_cast<uint64_t>(settings.max_delay_microseconds));
  message.set_priority_levels(kOipPriorityLevels);
  message.set_default_priority_level(kOipDefaultPriority);
  auto& policy = *message.mutable_default_queue_policy();
  policy.set_timeout_action(inference::ModelQueuePolicy::REJECT);
  policy.set_allow_timeout_override(true);
  policy.set_max_queue_size(static_cast<uint32_t>(settings.max_queued_images));  // images here
}

inference::ModelInstanceGroup::Kind KindOf(const std::string& device) {
  if (device == "cpu") return inference::ModelInstanceGroup::KIND_CPU;
  return device == "auto" ? inference::ModelInstanceGroup::KIND_AUTO
                          : inference::ModelInstanceGroup::KIND_GPU;
}

void DescribePhase(const ModelCounts::Timed& timed, inference::StatisticDuration& message) {
  message.set_count(static_cast<uint64_t>(timed.count));
  message.set_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(timed.time)));
}

}  // namespace

inference::ModelMetadataResponse DescribeTensors(const std::string& name, const ModelVersion& version,
                                                 InferenceTask task) {
  const ModelSignature signature = SignatureOf(version.config, task);
  inference::ModelMetadataResponse message;
  message.set_name(name);
  message.set_platform(kPlatform);
  for (const auto& input : signature.inputs) DescribeTensor(input, *message.add_inputs());
  for (const auto& output : signature.outputs) DescribeTensor(output, *message.add_outputs());
  return message;
}

inference::ModelConfig DescribeConfig(const std::string& name, const ModelVersion& version,
                                      InferenceTask task, const ServerConfig::Inference& settings) {
  const ModelSignature signature = SignatureOf(version.config, task);
  inference::ModelConfig message;
  message.set_name(name);
  message.set_platform(kPlatform);
  message.set_backend(kBackend);
  message.mutable_version_policy()->mutable_all();
  message.set_max_batch_size(static_cast<int32_t>(settings.max_images));
  for (const auto& spec : signature.inputs) {
    auto& input = *message.add_input();
    input.set_name(spec.name);
    input.set_data_type(spec.type);
    input.mutable_dims()->Assign(spec.dims.begin(), spec.dims.end());
    input.set_optional(true);
  }
  for (const auto& spec : signature.outputs) {
    auto& output = *message.add_output();
    output.set_name(spec.name);
    output.set_data_type(spec.type);
    output.mutable_dims()->Assign(spec.dims.begin(), spec.dims.end());
  }
  auto& group = *message.add_instance_group();
  group.set_name(version.model);
  group.set_count(static_cast<int32_t>(settings.forward_threads));
  group.set_kind(KindOf(settings.device));
  DescribeBatching(settings, *message.mutable_dynamic_batching());
  DescribeParameters(version.config, settings.precision, message);
  message.mutable_model_transaction_policy()->set_decoupled(false);
  message.mutable_response_cache()->set_enable(settings.response_cache_mib > 0);
  return message;
}

inference::ModelStatistics DescribeCounts(const std::string& name, int64_t version,
                                          const ModelCounts& counts) {
  inference::ModelStatistics message;
  message.set_name(name);
  message.set_version(absl::StrCat(version));
  message.set_last_inference(static_cast<uint64_t>(absl::ToUnixMillis(counts.last_request)));
  message.set_inference_count(static_cast<uint64_t>(counts.images));
  message.set_execution_count(static_cast<uint64_t>(counts.batches));
  auto& phases = *message.mutable_inference_stats();
  DescribePhase(counts.success, *phases.mutable_success());
  DescribePhase(counts.fail, *phases.mutable_fail());
  DescribePhase(counts.queue, *phases.mutable_queue());
  DescribePhase(counts.input, *phases.mutable_compute_input());
  DescribePhase(counts.infer, *phases.mutable_compute_infer());
  DescribePhase(counts.output, *phases.mutable_compute_output());
  DescribePhase(counts.hit, *phases.mutable_cache_hit());
  DescribePhase(counts.miss, *phases.mutable_cache_miss());
  return message;
}

}  // namespace mae
