#include "server/inference_service.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "server/image_from_proto.h"
#include "server/inference_options_from_proto.h"
#include "server/inference_to_proto.h"
#include "server/request_stream.h"
#include "server/unary_call.h"

namespace mae {
namespace {

// Fields of lib/serving that a request calls otherwise.
std::map<std::string, std::string> FieldsOf(const v1::ReconstructRequest& request) {
  return {{"mask_ratio", RatioField(request)}, {"hidden", "given.hidden"}, {"mask_kind", "grid"}};
}

// What a request brings for admission: each image is answered at each ratio.
template <typename Request>
int64_t AnswersAskedFor(const Request& request) {
  return request.images_size();
}
int64_t AnswersAskedFor(const v1::ReconstructRequest& request) {
  const int ratios =
      request.has_block() ? request.block().mask_ratios_size() : request.random().mask_ratios_size();
  return int64_t{request.images_size()} * std::max(ratios, 1);
}

// Passes that each image goes through.
template <typename Request>
int64_t PassesAskedFor(const Request&) {
  return 1;
}
int64_t PassesAskedFor(const v1::EmbedRequest& request) {
  return request.attention() || request.attention_pictures() ? 2 : 1;
}

// How pictures are drawn. @param draws whether there are any.
template <typename Request>
absl::StatusOr<PictureStyle> StyleOf(const Request& request, const EncoderOptions& encoder, bool draws,
                                     const std::string& ask) {
  MAE_RETURN_IF_ERROR(CheckDraws(draws, request.picture_scale() != 0,
                                 request.picture_format() != v1::PICTURE_FORMAT_UNSPECIFIED, ask));
  return PictureStyleFor(request.picture_scale(), request.picture_format(), encoder);
}

// Decodes, and holds them against the model's size where that is asked for.
template <typename Request>
absl::StatusOr<RequestInputs> InputsOf(const Request& request, const EncoderOptions& encoder,
                                       const InferenceLimits& limits) {
  MAE_ASSIGN_OR_RETURN(auto inputs, InputsFromProto(request.images(), limits));
  if (request.exact_size()) MAE_RETURN_IF_ERROR(CheckExactSize(inputs.images, encoder));
  return inputs;
}

// What it asks of each token or patch must fit into the answer.
absl::Status CheckAnswerFits(const v1::EmbedRequest& request, const EncoderOptions& encoder,
                             const InferenceLimits& limits) {
  const int64_t patches = encoder.num_patches();
  if (request.pool() == v1::EMBEDDING_POOL_PATCHES) {
    MAE_RETURN_IF_ERROR(CheckAnswerSize(request.images_size(), patches * encoder.embed_dim, "pool", limits));
  }
  if (!request.attention()) return absl::OkStatus();
  return CheckAnswerSize(request.images_size(), patches * encoder.num_heads, "attention", limits);
}

}  // namespace

template <typename Request>
absl::StatusOr<Admission::Ticket> InferenceService::Admit(const grpc::CallbackServerContext& context,
                                                          const Request& request, InferenceTask task) {
  return requests_.Admit(ModelQuery{request.model(), task}, AnswersAskedFor(request),
                         ContextOf(context).deadline, PassesAskedFor(request));
}

grpc::ServerUnaryReactor* InferenceService::Reconstruct(grpc::CallbackServerContext* context,
                                                        const v1::ReconstructRequest* request,
                                                        v1::ReconstructResponse* response) {
  return RunAdmitted(context, queue_, Admit(*context, *request, InferenceTask::kReconstruct),
                     [=, this] { return Answer(*context, *request, *response); });
}

grpc::ServerUnaryReactor* InferenceService::Classify(grpc::CallbackServerContext* context,
                                                     const v1::ClassifyRequest* request,
                                                     v1::ClassifyResponse* response) {
  return RunAdmitted(context, queue_, Admit(*context, *request, InferenceTask::kClassify),
                     [=, this] { return Answer(*context, *request, *response); });
}

grpc::ServerUnaryReactor* InferenceService::Embed(grpc::CallbackServerContext* context,
                                                  const v1::EmbedRequest* request,
                                                  v1::EmbedResponse* response) {
  return RunAdmitted(context, queue_, Admit(*context, *request, InferenceTask::kEmbed),
                     [=, this] { return Answer(*context, *request, *response); });
}

grpc::ServerBidiReactor<v1::ReconstructRequest, v1::ReconstructResponse>* InferenceService::StreamReconstruct(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::ReconstructRequest, v1::ReconstructResponse>(
      *context, queue_, requests_.streams(),
      [=, this](const auto& request, const StreamPlace& place, auto& response) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const auto ticket, Admit(*context, request, InferenceTask::kReconstruct));
        response.set_stream_index(place.index);
        return Answer(*context, request, response);
      });
}

grpc::ServerBidiReactor<v1::ClassifyRequest, v1::ClassifyResponse>* InferenceService::StreamClassify(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::ClassifyRequest, v1::ClassifyResponse>(
      *context, queue_, requests_.streams(),
      [=, this](const auto& request, const StreamPlace& place, auto& response) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const auto ticket, Admit(*context, request, InferenceTask::kClassify));
        response.set_stream_index(place.index);
        return Answer(*context, request, response);
      });
}

grpc::ServerBidiReactor<v1::EmbedRequest, v1::EmbedResponse>* InferenceService::StreamEmbed(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::EmbedRequest, v1::EmbedResponse>(
      *context, queue_, requests_.streams(),
      [=, this](const auto& request, const StreamPlace& place, auto& response) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const auto ticket, Admit(*context, request, InferenceTask::kEmbed));
        response.set_stream_index(place.index);
        return Answer(*context, request, response);
      });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::ReconstructRequest& request,
                                      v1::ReconstructResponse& response) {
  const ModelQuery query{request.model(), InferenceTask::kReconstruct};
  return requests_.Serve(query, FieldsOf(request), [&](ModelRequest& asked) -> absl::Status {
    const auto& config = asked.version.config;
    const auto& encoder = config.encoder();
    const auto caller = ContextOf(context);
    MAE_ASSIGN_OR_RETURN(const auto options, OptionsFromProto(request, config));
    MAE_ASSIGN_OR_RETURN(const auto style, StyleOf(request, encoder, options.pictures, "pictures"));
    if (options.pictures) MAE_RETURN_IF_ERROR(CheckPanelFits(style, encoder, kReconstructionPictures));
    MAE_RETURN_IF_ERROR(CheckRatioCount(request.images_size(),
                                        static_cast<int64_t>(options.mask_ratios.size()), RatioField(request),
                                        requests_.limits()));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsOf(request, encoder, requests_.limits()));
    MAE_ASSIGN_OR_RETURN(const auto results, asked.Run(caller, [&](const Predictor& model) {
      return model.Reconstruct(inputs.images, options, caller);
    }));
    response.set_model_version(asked.version.resource_name());
    response.set_mask_ratio(results[0].mask_ratio);
    response.set_pixel_statistics(ToProto(results[0].pixel_statistics));
    response.set_grid_rows(static_cast<int32_t>(encoder.grid_rows()));
    response.set_grid_cols(static_cast<int32_t>(encoder.grid_cols()));
    for (const auto& result : results) {
      MAE_ASSIGN_OR_RETURN(*response.add_reconstructions(), ToProto(result, style));
    }
    return absl::OkStatus();
  });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::ClassifyRequest& request, v1::ClassifyResponse& response) {
  const ModelQuery query{request.model(), InferenceTask::kClassify};
  return requests_.Serve(query, {}, [&](ModelRequest& asked) -> absl::Status {
    const auto& config = asked.version.config;
    const auto caller = ContextOf(context);
    const auto classes = std::get<VisionTransformerOptions>(config.model).num_classes;
    MAE_ASSIGN_OR_RETURN(const auto top_k, TopK(request.top_k(), classes));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsOf(request, config.encoder(), requests_.limits()));
    MAE_ASSIGN_OR_RETURN(const auto rows, asked.Run(caller, [&](const Predictor& model) {
      return model.Classify(inputs.images, caller);
    }));
    response.set_model_version(asked.version.resource_name());
    for (const auto& logits : rows) {
      *response.add_classifications() = ToProto(logits, top_k, config.labels, request.logits());
    }
    return absl::OkStatus();
  });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::EmbedRequest& request, v1::EmbedResponse& response) {
  const ModelQuery query{request.model(), InferenceTask::kEmbed};
  return requests_.Serve(query, {}, [&](ModelRequest& asked) -> absl::Status {
    const auto caller = ContextOf(context);
    const auto& encoder = asked.version.config.encoder();
    MAE_ASSIGN_OR_RETURN(const auto options, OptionsFromProto(request));
    MAE_ASSIGN_OR_RETURN(const auto style,
                         StyleOf(request, encoder, request.attention_pictures(), "attention_pictures"));
    MAE_RETURN_IF_ERROR(CheckAnswerFits(request, encoder, requests_.limits()));
    if (request.attention_pictures()) {
      MAE_RETURN_IF_ERROR(CheckPanelFits(style, encoder, encoder.num_heads + 2));
    }
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsOf(request, encoder, requests_.limits()));
    AttentionMaps maps;
    MAE_ASSIGN_OR_RETURN(
        const auto embeddings, asked.Run(caller, [&](const Predictor& model) -> absl::StatusOr<FloatTensor> {
          if (request.attention() || request.attention_pictures()) {
            MAE_ASSIGN_OR_RETURN(maps, model.Attention(inputs.images, request.attention_pictures(), caller));
          }
          return model.Embed(inputs.images, options, caller);
        }));
    response.set_model_version(asked.version.resource_name());
    *response.mutable_embeddings() = ToProto(embeddings);
    MAE_RETURN_IF_ERROR(AddAttention(maps, request.attention(), style, response));
    return absl::OkStatus();
  });
}

}  // namespace mae
