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

// Fields of lib/serving that requests call otherwise.
const std::map<std::string, std::string>& RequestFields() {
  static const std::map<std::string, std::string> fields = {{"mask_ratio", "random.mask_ratio"},
                                                            {"hidden", "given.hidden"}};
  return fields;
}

double HiddenShare(const std::vector<bool>& hidden) {
  return static_cast<double>(std::count(hidden.begin(), hidden.end(), true)) /
         static_cast<double>(hidden.size());
}

}  // namespace

template <typename Request>
absl::StatusOr<Admission::Ticket> InferenceService::Admit(const grpc::CallbackServerContext& context,
                                                          const Request& request, InferenceTask task) {
  return requests_.Admit(ModelQuery{request.model(), task}, request.images_size(),
                         ContextOf(context).deadline);
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
      queue_, [=, this](const auto& request, auto& response) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const auto ticket, Admit(*context, request, InferenceTask::kReconstruct));
        return Answer(*context, request, response);
      });
}

grpc::ServerBidiReactor<v1::ClassifyRequest, v1::ClassifyResponse>* InferenceService::StreamClassify(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::ClassifyRequest, v1::ClassifyResponse>(
      queue_, [=, this](const auto& request, auto& response) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const auto ticket, Admit(*context, request, InferenceTask::kClassify));
        return Answer(*context, request, response);
      });
}

grpc::ServerBidiReactor<v1::EmbedRequest, v1::EmbedResponse>* InferenceService::StreamEmbed(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::EmbedRequest, v1::EmbedResponse>(
      queue_, [=, this](const auto& request, auto& response) -> absl::Status {
        MAE_ASSIGN_OR_RETURN(const auto ticket, Admit(*context, request, InferenceTask::kEmbed));
        return Answer(*context, request, response);
      });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::ReconstructRequest& request,
                                      v1::ReconstructResponse& response) {
  const ModelQuery query{request.model(), InferenceTask::kReconstruct};
  return requests_.Serve(query, RequestFields(), [&](ModelRequest& asked) -> absl::Status {
    const auto& config = asked.version.config;
    const auto& encoder = config.encoder();
    const auto caller = ContextOf(context);
    MAE_ASSIGN_OR_RETURN(const auto options, OptionsFromProto(request, config));
    MAE_ASSIGN_OR_RETURN(const auto scale, PictureScale(request.picture_scale(), encoder));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsFromProto(request.images(), requests_.limits()));
    MAE_ASSIGN_OR_RETURN(const auto results, asked.Run(caller, [&](const Predictor& model) {
      return model.Reconstruct(inputs, options, caller);
    }));
    response.set_model_version(asked.version.resource_name());
    response.set_mask_ratio(HiddenShare(results[0].hidden));
    response.set_pixel_statistics(PixelStatisticsOf(config) == PixelStatistics::kTruePatch
                                      ? v1::PIXEL_STATISTICS_TRUE_PATCH
                                      : v1::PIXEL_STATISTICS_RAW);
    response.set_grid_rows(static_cast<int32_t>(encoder.grid_rows()));
    response.set_grid_cols(static_cast<int32_t>(encoder.grid_cols()));
    for (const auto& result : results) {
      MAE_ASSIGN_OR_RETURN(*response.add_reconstructions(), ToProto(result, scale));
    }
    return absl::OkStatus();
  });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::ClassifyRequest& request, v1::ClassifyResponse& response) {
  const ModelQuery query{request.model(), InferenceTask::kClassify};
  return requests_.Serve(query, RequestFields(), [&](ModelRequest& asked) -> absl::Status {
    const auto& config = asked.version.config;
    const auto caller = ContextOf(context);
    const auto classes = std::get<VisionTransformerOptions>(config.model).num_classes;
    MAE_ASSIGN_OR_RETURN(const auto top_k, TopK(request.top_k(), classes));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsFromProto(request.images(), requests_.limits()));
    MAE_ASSIGN_OR_RETURN(const auto rows, asked.Run(caller, [&](const Predictor& model) {
      return model.Classify(inputs, caller);
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
  return requests_.Serve(query, RequestFields(), [&](ModelRequest& asked) -> absl::Status {
    const auto caller = ContextOf(context);
    MAE_ASSIGN_OR_RETURN(const auto options, OptionsFromProto(request));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsFromProto(request.images(), requests_.limits()));
    MAE_ASSIGN_OR_RETURN(const auto embeddings, asked.Run(caller, [&](const Predictor& model) {
      return model.Embed(inputs, options, caller);
    }));
    response.set_model_version(asked.version.resource_name());
    *response.mutable_embeddings() = ToProto(embeddings);
    return absl::OkStatus();
  });
}

}  // namespace mae
