#include "server/oip_infer.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/inference_options_from_proto.h"
#include "server/oip_answers.h"
#include "server/oip_images.h"
#include "server/oip_model_name.h"
#include "server/oip_parameters.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;

// The one tensor that lib/ means by "images".
std::string ImagesTensor(const ModelInferRequest& request) {
  for (const auto& input : request.inputs()) {
    if (input.name() == kPixelsInput || input.name() == kPixelValuesInput) return input.name();
  }
  return std::string(kImagesInput);
}

// The caller's deadline and priority, and what the request says of them.
absl::StatusOr<RequestContext> WithParameters(const OipParameters& parameters, const RequestContext& caller) {
  RequestContext context = caller;
  MAE_ASSIGN_OR_RETURN(const auto timeout, parameters.Int("timeout"));
  if (timeout.value_or(0) < 0) {
    return InvalidField("timeout", absl::StrCat(*timeout, " microseconds are below 0"));
  }
  if (timeout.value_or(0) > 0) {
    context.deadline = std::min(context.deadline, absl::Now() + absl::Microseconds(*timeout));
  }
  MAE_ASSIGN_OR_RETURN(const auto priority, parameters.Int("priority"));
  if (priority.value_or(0) < 0 || priority.value_or(0) > kOipPriorityLevels) {
    return InvalidField("priority",
                        absl::StrCat(*priority, " is not in 1..", kOipPriorityLevels,
                                     " (1 goes first; 0 is the default, ", kOipDefaultPriority, ")"));
  }
  if (priority.value_or(0) > 0) context.priority = *priority - kOipDefaultPriority;
  return context;
}

/// A request that is read as far as tasks have in common.
struct InferCall {
  const OipParameters parameters;
  const ModelSignature signature;
  RequestContext context;
  std::vector<ChosenOutput> outputs;
  std::vector<OipTensor> tensors;
};

absl::StatusOr<InferCall> ReadCall(const ModelInferRequest& request, const RequestContext& caller,
                                   const ModelRequest& asked) {
  InferCall call{
      OipParameters(request.parameters()), SignatureOf(asked.version.config, asked.task), {}, {}, {}};
  MAE_ASSIGN_OR_RETURN(call.context, WithParameters(call.parameters, caller));
  MAE_ASSIGN_OR_RETURN(call.outputs, ChooseOutputs(request, call.signature));
  MAE_ASSIGN_OR_RETURN(call.tensors, ReadTensors(request, call.signature));
  return call;
}

// What inference_options_from_proto takes; what is out of its range is out of theirs too.
int32_t Clamped(int64_t value) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

absl::Status Classify(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                      ModelInferResponse& response) {
  const ModelConfig& config = asked.version.config;
  MAE_RETURN_IF_ERROR(call.parameters.CheckKnown({"top_k"}, "a classification"));
  MAE_ASSIGN_OR_RETURN(const auto wanted, call.parameters.Int("top_k"));
  const auto classes = std::get<VisionTransformerOptions>(config.model).num_classes;
  MAE_ASSIGN_OR_RETURN(const auto top_k, TopK(Clamped(wanted.value_or(0)), classes));
  MAE_ASSIGN_OR_RETURN(const auto images, ImagesOf(call.tensors, call.signature, limits));
  MAE_ASSIGN_OR_RETURN(const auto rows, asked.Run(call.context, [&](const Predictor& model) {
    return model.Classify(images, call.context);
  }));
  AddClassification(rows, top_k, config, call.outputs, response);
  return absl::OkStatus();
}

absl::StatusOr<EmbedOptions> EmbedOptionsOf(const OipParameters& parameters) {
  MAE_RETURN_IF_ERROR(parameters.CheckKnown({"pool", "l2_normalize"}, "an embedding"));
  MAE_ASSIGN_OR_RETURN(const auto pool, parameters.Text("pool"));
  MAE_ASSIGN_OR_RETURN(const auto l2_normalize, parameters.Bool("l2_normalize"));
  if (pool.value_or("mean") != "mean" && pool != "token") {
    return InvalidField("pool", "must be \"mean\" (of the patch tokens, the default) or \"token\"");
  }
  return EmbedOptions{pool == "token", l2_normalize.value_or(false)};
}

absl::Status Embed(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                   ModelInferResponse& response) {
  MAE_ASSIGN_OR_RETURN(const auto options, EmbedOptionsOf(call.parameters));
  MAE_ASSIGN_OR_RETURN(const auto images, ImagesOf(call.tensors, call.signature, limits));
  MAE_ASSIGN_OR_RETURN(const auto embeddings, asked.Run(call.context, [&](const Predictor& model) {
    return model.Embed(images, options, call.context);
  }));
  AddEmbedding(embeddings, response);
  return absl::OkStatus();
}

absl::StatusOr<ReconstructOptions> ReconstructOptionsOf(const InferCall& call) {
  const OipParameters& parameters = call.parameters;
  MAE_RETURN_IF_ERROR(parameters.CheckKnown({"mask_ratio", "seed", "picture_scale"}, "a reconstruction"));
  ReconstructOptions options;
  MAE_ASSIGN_OR_RETURN(options.mask_ratio, parameters.Double("mask_ratio"));
  MAE_ASSIGN_OR_RETURN(const auto seed, parameters.Uint("seed"));
  options.seed = seed.value_or(0);
  MAE_ASSIGN_OR_RETURN(options.hidden, MaskOf(call.tensors, call.signature));
  if (!options.hidden.empty() && (options.mask_ratio.has_value() || seed.has_value())) {
    return InvalidField(std::string(kMaskInput),
                        "is given, so that mask_ratio and seed have no meaning; leave either out");
  }
  options.pictures = WantPictures(call.outputs);
  options.tensors = WantTensors(call.outputs);
  return options;
}

absl::Status Reconstruct(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                         ModelInferResponse& response) {
  const ModelConfig& config = asked.version.config;
  MAE_ASSIGN_OR_RETURN(const auto options, ReconstructOptionsOf(call));
  MAE_ASSIGN_OR_RETURN(const auto wanted, call.parameters.Int("picture_scale"));
  MAE_ASSIGN_OR_RETURN(const auto scale, PictureScale(Clamped(wanted.value_or(0)), config.encoder()));
  MAE_ASSIGN_OR_RETURN(const auto images, ImagesOf(call.tensors, call.signature, limits));
  MAE_ASSIGN_OR_RETURN(const auto results, asked.Run(call.context, [&](const Predictor& model) {
    return model.Reconstruct(images, options, call.context);
  }));
  return AddReconstruction(results, scale, config, call.outputs, response);
}

absl::Status AnswerTask(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                        ModelInferResponse& response) {
  switch (asked.task) {
    case InferenceTask::kClassify:
      return Classify(call, limits, asked, response);
    case InferenceTask::kReconstruct:
      return Reconstruct(call, limits, asked, response);
    case InferenceTask::kEmbed:
      break;
  }
  return Embed(call, limits, asked, response);
}

}  // namespace

absl::StatusOr<Admission::Ticket> AdmitModelInfer(ModelRequests& requests, const RequestContext& caller,
                                                  const ModelInferRequest& request) {
  int64_t images = 1;
  for (const auto& input : request.inputs()) {
    if (input.shape_size() > 0) images = std::max(images, input.shape(0));
  }
  const auto priority = OipParameters(request.parameters()).Int("priority");
  const bool goes_first = priority.ok() && priority->value_or(0) > 0 && **priority < kOipDefaultPriority;
  return requests.Admit(ReadModelName("model_", request.model_name(), request.model_version()), images,
                        goes_first ? absl::InfiniteFuture() : caller.deadline);
}

absl::Status AnswerModelInfer(ModelRequests& requests, const RequestContext& caller,
                              const ModelInferRequest& request, ModelInferResponse& response) {
  const ModelRequests::FieldNames fields = {
      {"model", "model_name"}, {"hidden", std::string(kMaskInput)}, {"images", ImagesTensor(request)}};
  const auto query = ReadModelName("model_", request.model_name(), request.model_version());
  return requests.Serve(query, fields, [&](ModelRequest& asked) -> absl::Status {
    MAE_ASSIGN_OR_RETURN(const auto call, ReadCall(request, caller, asked));
    response.set_model_name(request.model_name());
    response.set_model_version(absl::StrCat(asked.version.version));
    response.set_id(request.id());
    return AnswerTask(call, requests.limits(), asked, response);
  });
}

}  // namespace mae
