#include "server/model_service.h"

#include "base/status_macros.h"
#include "server/field_status.h"
#include "server/model_to_proto.h"
#include "server/page.h"
#include "server/unary_call.h"
#include "serving/model_name.h"

namespace mae {

grpc::ServerUnaryReactor* ModelService::ListModels(grpc::CallbackServerContext* context,
                                                   const v1::ListModelsRequest* request,
                                                   v1::ListModelsResponse* response) {
  return RunUnary(context, queue_, [=, this] { return List(*request, *response); });
}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* context,
                                                 const v1::GetModelRequest* request, v1::Model* response) {
  return RunUnary(context, queue_, [=, this] { return Get(*request, *response); });
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
  if (!reference.ok()) return WithField(reference.status(), {{"model", "name"}});
  MAE_ASSIGN_OR_RETURN(auto record, store_.Get(reference->model));
  if (reference->names_version()) {
    MAE_ASSIGN_OR_RETURN(auto version, store_.Resolve(request.name()));
    std::erase_if(record.aliases, [&](const auto& alias) { return alias.second != version.version; });
    record.versions = {std::move(version)};
  }
  response = ToProto(record, store_);
  return absl::OkStatus();
}

}  // namespace mae
