#include "server/model_service.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "server/field_status.h"
#include "server/model_requests.h"
#include "server/model_to_proto.h"
#include "server/page.h"
#include "server/status_to_grpc.h"
#include "server/unary_call.h"
#include "serving/model_name.h"

namespace mae {
namespace {

// Faults of lib/ under the name that requests have for a model.
absl::Status NamedFault(absl::Status status) { return WithField(std::move(status), {{"model", "name"}}); }

}  // namespace

grpc::ServerUnaryReactor* ModelService::ListModels(grpc::CallbackServerContext* context,
                                                   const v1::ListModelsRequest* request,
                                                   v1::ListModelsResponse* response) {
  return RunUnary(context, queue_, [=, this] { return List(*request, *response); });
}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* context,
                                                 const v1::GetModelRequest* request, v1::Model* response) {
  return RunUnary(context, queue_, [=, this] { return Get(*request, *response); });
}

grpc::ServerUnaryReactor* ModelService::SetAlias(grpc::CallbackServerContext* context,
                                                 const v1::SetAliasRequest* request, v1::Model* response) {
  return RunUnary(context, waiting_, [=, this] { return MoveAlias(*context, *request, *response); });
}

grpc::ServerUnaryReactor* ModelService::DeleteModelVersion(grpc::CallbackServerContext* context,
                                                           const v1::DeleteModelVersionRequest* request,
                                                           google::protobuf::Empty*) {
  return RunUnary(context, queue_, [=, this] { return Delete(*request); });
}

grpc::ServerUnaryReactor* ModelService::LoadModel(grpc::CallbackServerContext* context,
                                                  const v1::LoadModelRequest* request,
                                                  v1::ModelVersion* response) {
  return RunUnary(context, waiting_, [=, this] { return Load(*context, *request, *response); });
}

grpc::ServerUnaryReactor* ModelService::UnloadModel(grpc::CallbackServerContext* context,
                                                    const v1::UnloadModelRequest* request,
                                                    v1::ModelVersion* response) {
  return RunUnary(context, waiting_, [=, this] { return Unload(*context, *request, *response); });
}

absl::Status ModelService::List(const v1::ListModelsRequest& request,
                                v1::ListModelsResponse& response) const {
  MAE_ASSIGN_OR_RETURN(const auto page, ParsePage(request.page_size(), request.page_token()));
  MAE_ASSIGN_OR_RETURN(const auto records, store_.List());
  for (const auto& record : records) {
    if (record.model <= page.after) continue;
    if (response.models_size() == page.size) {
      response.set_next_page_token(
          NextPageToken(response.models().rbegin()->name().substr(sizeof("models/") - 1)));
      break;
    }
    *response.add_models() = ToProto(record, store_);
  }
  return absl::OkStatus();
}

absl::Status ModelService::Get(const v1::GetModelRequest& request, v1::Model& response) const {
  const auto reference = ParseModelName(request.name());
  if (!reference.ok()) return NamedFault(reference.status());
  MAE_ASSIGN_OR_RETURN(auto record, store_.Get(reference->model));
  if (reference->names_version()) {
    MAE_ASSIGN_OR_RETURN(auto version, store_.Resolve(request.name()));
    std::erase_if(record.aliases, [&](const auto& alias) { return alias.second != version.version; });
    record.versions = {std::move(version)};
  }
  response = ToProto(record, store_);
  return absl::OkStatus();
}

absl::Status ModelService::MoveAlias(const grpc::CallbackServerContext& context,
                                     const v1::SetAliasRequest& request, v1::Model& response) {
  const auto reference = ParseModelName(request.name());
  if (!reference.ok()) return NamedFault(reference.status());
  if (reference->names_version()) {
    return InvalidField("name", "is that of a version or alias; give models/{model}, and the version apart");
  }
  const auto set = store_.SetAlias(reference->model, request.alias(), request.version(), ContextOf(context));
  if (!set.ok()) return NamedFault(set);
  MAE_ASSIGN_OR_RETURN(const auto record, store_.Get(reference->model));
  response = ToProto(record, store_);
  return absl::OkStatus();
}

absl::Status ModelService::Delete(const v1::DeleteModelVersionRequest& request) {
  const auto reference = ParseModelName(request.name());
  if (!reference.ok()) return NamedFault(reference.status());
  if (reference->version == 0) {
    return InvalidField("name", "is not that of a version; give models/{model}/versions/{n}");
  }
  MAE_ASSIGN_OR_RETURN(const auto version, store_.Resolve(request.name()));
  MAE_ASSIGN_OR_RETURN(const auto jobs, jobs_from_(version.resource_name()));
  if (!jobs.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(version.resource_name(), " is what ", absl::StrJoin(jobs, ", "),
                     " started from; stop the job first, or wait for its end"));
  }
  return store_.Delete(version.model, version.version);
}

absl::Status ModelService::Load(const grpc::CallbackServerContext& context,
                                const v1::LoadModelRequest& request, v1::ModelVersion& response) {
  const auto pin = request.has_pin() ? std::optional<bool>(request.pin()) : std::nullopt;
  const auto version = store_.Load(request.name(), pin, ContextOf(context));
  if (!version.ok()) return NamedFault(version.status());
  response = ToProto(*version, store_);
  return absl::OkStatus();
}

absl::Status ModelService::Unload(const grpc::CallbackServerContext& context,
                                  const v1::UnloadModelRequest& request, v1::ModelVersion& response) {
  const auto version = store_.Unload(request.name(), ContextOf(context));
  if (!version.ok()) return NamedFault(version.status());
  response = ToProto(*version, store_);
  return absl::OkStatus();
}

}  // namespace mae
