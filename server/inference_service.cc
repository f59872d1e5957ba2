#include "server/inference_service.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "server/field_status.h"
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

bool IsAutoencoder(const ModelConfig& config) { return config.is_autoencoder(); }

bool IsClassifier(const ModelConfig& config) {
  const auto* model = std::get_if<VisionTransformerOptions>(&config.model);
  return model != nullptr && model->num_classes > 0;
}

bool IsAny(const ModelConfig&) { return true; }

RequestContext ContextOf(const grpc::CallbackServerContext& context) {
  return {.deadline = absl::FromChrono(context.deadline()),
          .is_cancelled = [&context] { return context.IsCancelled(); }};
}

double HiddenShare(const std::vector<bool>& hidden) {
  return static_cast<double>(std::count(hidden.begin(), hidden.end(), true)) /
         static_cast<double>(hidden.size());
}

}  // namespace

grpc::ServerUnaryReactor* InferenceService::Reconstruct(grpc::CallbackServerContext* context,
                                                        const v1::ReconstructRequest* request,
                                                        v1::ReconstructResponse* response) {
  return RunUnary(context, queue_, [=, this] { return Answer(*context, *request, *response); });
}

grpc::ServerUnaryReactor* InferenceService::Classify(grpc::CallbackServerContext* context,
                                                     const v1::ClassifyRequest* request,
                                                     v1::ClassifyResponse* response) {
  return RunUnary(context, queue_, [=, this] { return Answer(*context, *request, *response); });
}

grpc::ServerUnaryReactor* InferenceService::Embed(grpc::CallbackServerContext* context,
                                                  const v1::EmbedRequest* request,
                                                  v1::EmbedResponse* response) {
  return RunUnary(context, queue_, [=, this] { return Answer(*context, *request, *response); });
}

grpc::ServerBidiReactor<v1::ReconstructRequest, v1::ReconstructResponse>* InferenceService::StreamReconstruct(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::ReconstructRequest, v1::ReconstructResponse>(
      queue_, [=, this](const auto& request, auto& response) { return Answer(*context, request, response); });
}

grpc::ServerBidiReactor<v1::ClassifyRequest, v1::ClassifyResponse>* InferenceService::StreamClassify(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::ClassifyRequest, v1::ClassifyResponse>(
      queue_, [=, this](const auto& request, auto& response) { return Answer(*context, request, response); });
}

grpc::ServerBidiReactor<v1::EmbedRequest, v1::EmbedResponse>* InferenceService::StreamEmbed(
    grpc::CallbackServerContext* context) {
  return new RequestStream<v1::EmbedRequest, v1::EmbedResponse>(
      queue_, [=, this](const auto& request, auto& response) { return Answer(*context, request, response); });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::ReconstructRequest& request,
                                      v1::ReconstructResponse& response) {
  return Serve(
      "Reconstruct", request.model(), IsAutoencoder, [&](const ModelVersion& version) -> absl::Status {
        const auto& encoder = version.config.encoder();
        MAE_ASSIGN_OR_RETURN(const auto options, OptionsFromProto(request, version.config));
        MAE_ASSIGN_OR_RETURN(const auto scale, PictureScale(request.picture_scale(), encoder));
        MAE_ASSIGN_OR_RETURN(const auto inputs, InputsFromProto(request.images(), limits_));
        MAE_ASSIGN_OR_RETURN(const auto model, Load(context, version));
        MAE_ASSIGN_OR_RETURN(const auto results,
                             model.predictor->Reconstruct(inputs, options, ContextOf(context)));
        response.set_model_version(version.resource_name());
        response.set_mask_ratio(HiddenShare(results[0].hidden));
        response.set_pixel_statistics(PixelStatisticsOf(version.config) == PixelStatistics::kTruePatch
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
  return Serve("Classify", request.model(), IsClassifier, [&](const ModelVersion& version) -> absl::Status {
    const auto classes = std::get<VisionTransformerOptions>(version.config.model).num_classes;
    MAE_ASSIGN_OR_RETURN(const auto top_k, TopK(request.top_k(), classes));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsFromProto(request.images(), limits_));
    MAE_ASSIGN_OR_RETURN(const auto model, Load(context, version));
    MAE_ASSIGN_OR_RETURN(const auto rows, model.predictor->Classify(inputs, ContextOf(context)));
    response.set_model_version(version.resource_name());
    for (const auto& logits : rows) {
      *response.add_classifications() = ToProto(logits, top_k, version.config.labels, request.logits());
    }
    return absl::OkStatus();
  });
}

absl::Status InferenceService::Answer(const grpc::CallbackServerContext& context,
                                      const v1::EmbedRequest& request, v1::EmbedResponse& response) {
  return Serve("Embed", request.model(), IsAny, [&](const ModelVersion& version) -> absl::Status {
    MAE_ASSIGN_OR_RETURN(const auto options, OptionsFromProto(request));
    MAE_ASSIGN_OR_RETURN(const auto inputs, InputsFromProto(request.images(), limits_));
    MAE_ASSIGN_OR_RETURN(const auto model, Load(context, version));
    MAE_ASSIGN_OR_RETURN(const auto embeddings, model.predictor->Embed(inputs, options, ContextOf(context)));
    response.set_model_version(version.resource_name());
    *response.mutable_embeddings() = ToProto(embeddings);
    return absl::OkStatus();
  });
}

absl::Status InferenceService::Serve(std::string_view method, const std::string& model,
                                     const std::function<bool(const ModelConfig&)>& can_do,
                                     const std::function<absl::Status(const ModelVersion&)>& run) {
  const auto start = absl::Now();
  const auto version = store_.Resolve(model);
  absl::Status status = version.status();
  if (version.ok()) status = can_do(version->config) ? run(*version) : CantDo(method, *version, can_do);
  status = WithField(std::move(status), RequestFields());
  metrics_.Record(version.ok() ? version->model : "", version.ok() ? version->version : 0, method,
                  status.code(), absl::Now() - start);
  return status;
}

absl::StatusOr<LoadedModel> InferenceService::Load(const grpc::CallbackServerContext& context,
                                                   const ModelVersion& version) {
  if (context.IsCancelled()) return absl::CancelledError("the caller has gone");
  return store_.Acquire(version.resource_name());
}

absl::Status InferenceService::CantDo(std::string_view method, const ModelVersion& version,
                                      const std::function<bool(const ModelConfig&)>& can_do) const {
  MAE_ASSIGN_OR_RETURN(const auto records, store_.List());
  std::vector<std::string> others;
  for (const auto& record : records) {
    if (can_do(record.versions.front().config)) others.push_back(absl::StrCat("models/", record.model));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "model: ", version.resource_name(), " is a ", version.config.kind_name(), ", which can't ",
      std::string(method), "; ",
      others.empty() ? "no published model can yet" : "these can: " + absl::StrJoin(others, ", ")));
}

}  // namespace mae
