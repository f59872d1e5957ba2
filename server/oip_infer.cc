#include "server/oip_infer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/inference_options_from_proto.h"
#include "server/oip_answers.h"
#include "server/oip_images.h"
#include "server/oip_model_name.h"
#include "server/oip_options.h"
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
    context.deadline = std::min(context.deadline, caller.came + absl::Microseconds(*timeout));
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

// What a request brings for admission, as far as that shows before it is read: images x ratios.
int64_t AnswersAskedFor(const ModelInferRequest& request, const OipParameters& parameters,
                        const InferenceLimits& limits) {
  int64_t images = 1;
  for (const auto& input : request.inputs()) {
    if (input.name() != kMaskInput && input.shape_size() > 0) images = std::max(images, input.shape(0));
  }
  const auto ratios = parameters.Doubles("mask_ratio");
  const auto each = ratios.ok() ? std::max<int64_t>(static_cast<int64_t>(ratios->size()), 1) : 1;
  return std::min(images, limits.max_images_per_request) * each;
}

// Passes that each image goes through: what Embed gives has one for each kind of its outputs (EmbedAll).
int64_t PassesAskedFor(const ModelInferRequest& request) {
  bool embedding = false, patches = false, attention = false;
  for (const auto& output : request.outputs()) {
    embedding = embedding || output.name() == "embedding";
    patches = patches || output.name() == "patch_embeddings";
    attention = attention || absl::StartsWith(output.name(), "attention");
  }
  return std::max(embedding + patches + attention, 1);
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
  if (call.context.deadline < absl::Now()) {
    return absl::DeadlineExceededError("the deadline passed while the request waited for a thread");
  }
  MAE_ASSIGN_OR_RETURN(call.outputs, ChooseOutputs(request, call.signature));
  MAE_ASSIGN_OR_RETURN(call.tensors, ReadTensors(request, call.signature));
  return call;
}

absl::StatusOr<RequestInputs> InputsOf(const InferCall& call, const EncoderOptions& encoder,
                                       const InferenceLimits& limits) {
  MAE_ASSIGN_OR_RETURN(const auto exact_size, call.parameters.Bool("exact_size"));
  MAE_ASSIGN_OR_RETURN(auto inputs, ImagesOf(call.tensors, call.signature, limits));
  if (exact_size.value_or(false)) MAE_RETURN_IF_ERROR(CheckExactSize(inputs.images, encoder));
  return inputs;
}

absl::Status Classify(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                      ModelInferResponse& response) {
  const ModelConfig& config = asked.version.config;
  const auto classes = std::get<VisionTransformerOptions>(config.model).num_classes;
  MAE_ASSIGN_OR_RETURN(const auto top_k, TopKOf(call.parameters, classes));
  MAE_ASSIGN_OR_RETURN(const auto inputs, InputsOf(call, config.encoder(), limits));
  MAE_ASSIGN_OR_RETURN(const auto rows, asked.Run(call.context, [&](const Predictor& model) {
    return model.Classify(inputs.images, call.context);
  }));
  AddClassification(rows, top_k, config, call.outputs, response);
  return absl::OkStatus();
}

// Each pool that an output shows is a pass of its own.
absl::StatusOr<EmbedAnswer> EmbedAll(const InferCall& call, const Predictor& model,
                                     const std::vector<PredictorInput>& images, const EmbedOptions& options) {
  EmbedAnswer answer;
  if (IsChosen(call.outputs, "embedding")) {
    MAE_ASSIGN_OR_RETURN(answer.embedding, model.Embed(images, options, call.context));
  }
  if (IsChosen(call.outputs, "patch_embeddings")) {
    MAE_ASSIGN_OR_RETURN(answer.patches,
                         model.Embed(images, {EmbeddingPool::kPatches, options.l2_normalize}, call.context));
  }
  if (WantAttention(call.outputs)) {
    MAE_ASSIGN_OR_RETURN(answer.maps,
                         model.Attention(images, WantAttentionPictures(call.outputs), call.context));
  }
  return answer;
}

// Images in the one tensor that they come in.
int64_t ImageCount(const InferCall& call) {
  for (const auto& tensor : call.tensors) {
    if (tensor.name != kMaskInput && !tensor.shape.empty()) return tensor.shape[0];
  }
  return 0;
}

// What it asks of each token or patch must fit into the answer.
absl::Status CheckAnswerFits(const InferCall& call, const EncoderOptions& encoder,
                             const InferenceLimits& limits) {
  const int64_t patches = encoder.num_patches(), images = ImageCount(call);
  if (IsChosen(call.outputs, "patch_embeddings")) {
    MAE_RETURN_IF_ERROR(CheckAnswerSize(images, patches * encoder.embed_dim, "patch_embeddings", limits));
  }
  if (!IsChosen(call.outputs, "attention")) return absl::OkStatus();
  return CheckAnswerSize(images, patches * encoder.num_heads, "attention", limits);
}

absl::Status Embed(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                   ModelInferResponse& response) {
  const auto& encoder = asked.version.config.encoder();
  MAE_ASSIGN_OR_RETURN(const auto options, EmbedOptionsOf(call.parameters));
  MAE_ASSIGN_OR_RETURN(const auto style,
                       PictureStyleOf(call.parameters, encoder, WantAttentionPictures(call.outputs)));
  MAE_RETURN_IF_ERROR(CheckAnswerFits(call, encoder, limits));
  if (WantAttentionPictures(call.outputs)) {
    MAE_RETURN_IF_ERROR(CheckPanelFits(style, encoder, encoder.num_heads + 2));
  }
  MAE_ASSIGN_OR_RETURN(const auto inputs, InputsOf(call, encoder, limits));
  MAE_ASSIGN_OR_RETURN(const auto answer, asked.Run(call.context, [&](const Predictor& model) {
    return EmbedAll(call, model, inputs.images, options);
  }));
  return AddEmbedding(answer, style, call.outputs, response);
}

absl::Status Reconstruct(const InferCall& call, const InferenceLimits& limits, ModelRequest& asked,
                         ModelInferResponse& response) {
  const ModelConfig& config = asked.version.config;
  MAE_ASSIGN_OR_RETURN(auto hidden, MaskOf(call.tensors, call.signature));
  MAE_ASSIGN_OR_RETURN(const auto options,
                       ReconstructOptionsOf(call.parameters, std::move(hidden), call.outputs));
  MAE_ASSIGN_OR_RETURN(const auto style, PictureStyleOf(call.parameters, config.encoder(), options.pictures));
  if (IsChosen(call.outputs, "panel"))
    MAE_RETURN_IF_ERROR(CheckPanelFits(style, config.encoder(), kReconstructionPictures));
  MAE_RETURN_IF_ERROR(CheckRatioCount(ImageCount(call), static_cast<int64_t>(options.mask_ratios.size()),
                                      "mask_ratio", limits));
  MAE_ASSIGN_OR_RETURN(const auto inputs, InputsOf(call, config.encoder(), limits));
  MAE_ASSIGN_OR_RETURN(const auto results, asked.Run(call.context, [&](const Predictor& model) {
    return model.Reconstruct(inputs.images, options, call.context);
  }));
  (*response.mutable_parameters())["pixel_statistics"].set_string_param(
      PixelStatisticsName(results[0].pixel_statistics));
  return AddReconstruction(results, style, config, call.outputs, response);
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
  const OipParameters parameters(request.parameters());
  // What is wrong with them is told when the request is read.
  const auto context = WithParameters(parameters, caller).value_or(caller);
  return requests.Admit(ReadModelName("model_", request.model_name(), request.model_version()),
                        AnswersAskedFor(request, parameters, requests.limits()),
                        context.priority < 0 ? absl::InfiniteFuture() : context.deadline,
                        PassesAskedFor(request));
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
