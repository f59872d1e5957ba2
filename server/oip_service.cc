#include "server/oip_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/field_status.h"
#include "server/oip_describe.h"
#include "server/oip_infer.h"
#include "server/oip_model_name.h"
#include "server/request_stream.h"
#include "server/status_to_grpc.h"
#include "server/unary_call.h"

namespace mae {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

constexpr char kServerName[] = "mae_server";
constexpr const char* kExtensions[] = {"classification",  "model_repository", "model_configuration",
                                       "schedule_policy", "statistics",       "parameters"};

// A call that needs no thread.
ServerUnaryReactor* FinishNow(CallbackServerContext* context, const absl::Status& status = absl::OkStatus()) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

absl::Status NoSharedMemory() {
  return absl::UnimplementedError(
      "the server shares no memory with its clients; send and take tensors in the messages");
}

absl::Status NoSettings(std::string_view which) {
  return absl::UnimplementedError(
      absl::StrCat(std::string(which),
                   " settings of the Open Inference Protocol are not supported: the "
                   "server has none to change; see its configuration file"));
}

absl::Status CheckRepository(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  return InvalidField("repository_name", "the server has one repository, which has no name; leave it empty");
}

// The protocol knows no pins: who set one has it kept from those who do not know of it.
absl::Status CheckNotPinned(const ModelStore& store, const ModelVersion& version) {
  if (!store.IsPinned(version)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      version.resource_name(),
      " is pinned in memory; UnloadModel of mae.v1.ModelService (mae_client "
      "unload-model) takes it out all the same, and LoadModel with pin: false takes the pin away"));
}

// Names are `name` and `version` in all requests about models.
absl::Status WithNameField(absl::Status status) { return WithField(std::move(status), {{"model", "name"}}); }

absl::StatusOr<ModelRequest> FindModel(ModelRequests& requests, const std::string& name,
                                       const std::string& version) {
  auto found = requests.Find(ReadModelName("", name, version));
  if (!found.ok()) return WithNameField(found.status());
  return found;
}

bool WantsGrpcErrors(const CallbackServerContext& context) {
  const auto [first, last] = context.client_metadata().equal_range("triton_grpc_error");
  return std::any_of(first, last, [](const auto& entry) { return entry.second == "true"; });
}

void TellError(const inference::ModelInferRequest& request, const absl::Status& status,
               inference::ModelStreamInferResponse& response) {
  response.set_error_message(ToGrpc(status).error_message());
  response.mutable_infer_response()->set_id(request.id());
}

}  // namespace

ServerUnaryReactor* OipService::ServerLive(CallbackServerContext* context,
                                           const inference::ServerLiveRequest*,
                                           inference::ServerLiveResponse* response) {
  response->set_live(true);
  return FinishNow(context);
}

ServerUnaryReactor* OipService::ServerReady(CallbackServerContext* context,
                                            const inference::ServerReadyRequest*,
                                            inference::ServerReadyResponse* response) {
  response->set_ready(facts_.is_ready());
  return FinishNow(context);
}

ServerUnaryReactor* OipService::ServerMetadata(CallbackServerContext* context,
                                               const inference::ServerMetadataRequest*,
                                               inference::ServerMetadataResponse* response) {
  response->set_name(kServerName);
  response->set_version(facts_.server_version);
  for (const char* extension : kExtensions) response->add_extensions(extension);
  return FinishNow(context);
}

// A published model is ready: it is loaded when it is asked.
ServerUnaryReactor* OipService::ModelReady(CallbackServerContext* context,
                                           const inference::ModelReadyRequest* request,
                                           inference::ModelReadyResponse* response) {
  return RunUnary(context, about_, [=, this] {
    const auto found = FindModel(requests_, request->name(), request->version());
    response->set_ready(found.ok());
    return found.status();
  });
}

ServerUnaryReactor* OipService::ModelMetadata(CallbackServerContext* context,
                                              const inference::ModelMetadataRequest* request,
                                              inference::ModelMetadataResponse* response) {
  return RunUnary(context, about_, [=, this] { return DescribeVersions(*request, *response); });
}

absl::Status OipService::DescribeVersions(const inference::ModelMetadataRequest& request,
                                          inference::ModelMetadataResponse& response) {
  MAE_ASSIGN_OR_RETURN(const auto found, FindModel(requests_, request.name(), request.version()));
  response = DescribeTensors(request.name(), found.version, found.task);
  if (NamesVersion(request.name(), request.version())) {
    response.add_versions(absl::StrCat(found.version.version));
    return absl::OkStatus();
  }
  MAE_ASSIGN_OR_RETURN(const auto record, requests_.store().Get(found.version.model));
  for (auto it = record.versions.rbegin(); it != record.versions.rend(); ++it) {
    response.add_versions(absl::StrCat(it->version));
  }
  return absl::OkStatus();
}

ServerUnaryReactor* OipService::ModelConfig(CallbackServerContext* context,
                                            const inference::ModelConfigRequest* request,
                                            inference::ModelConfigResponse* response) {
  return RunUnary(context, about_, [=, this]() -> absl::Status {
    MAE_ASSIGN_OR_RETURN(const auto found, FindModel(requests_, request->name(), request->version()));
    *response->mutable_config() = DescribeConfig(request->name(), found.version, found.task, facts_.settings);
    return absl::OkStatus();
  });
}

ServerUnaryReactor* OipService::ModelInfer(CallbackServerContext* context,
                                           const inference::ModelInferRequest* request,
                                           inference::ModelInferResponse* response) {
  const RequestContext caller = ContextOf(*context);  // Here and not on the queue's thread: it came now.
  return RunAdmitted(context, infer_, AdmitModelInfer(requests_, caller, *request),
                     [=, this] { return AnswerModelInfer(requests_, caller, *request, *response); });
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>*
OipService::ModelStreamInfer(CallbackServerContext* context) {
  using Stream = RequestStream<inference::ModelInferRequest, inference::ModelStreamInferResponse>;
  const auto answer = [=, this](const inference::ModelInferRequest& request, const StreamPlace& place,
                                inference::ModelStreamInferResponse& response) -> absl::Status {
    RequestContext caller = ContextOf(*context);
    caller.came = place.came;
    MAE_ASSIGN_OR_RETURN(const auto ticket, AdmitModelInfer(requests_, caller, request));
    auto& answered = *response.mutable_infer_response();
    (*answered.mutable_parameters())["triton_final_response"].set_bool_param(true);
    return AnswerModelInfer(requests_, caller, request, answered);
  };
  return new Stream(*context, infer_, requests_.streams(), answer,
                    WantsGrpcErrors(*context) ? Stream::TellError() : TellError);
}

ServerUnaryReactor* OipService::ModelStatistics(CallbackServerContext* context,
                                                const inference::ModelStatisticsRequest* request,
                                                inference::ModelStatisticsResponse* response) {
  return RunUnary(context, about_, [=, this] { return DescribeStatistics(*request, *response); });
}

absl::Status OipService::DescribeStatistics(const inference::ModelStatisticsRequest& request,
                                            inference::ModelStatisticsResponse& response) {
  const InferStatistics& statistics = requests_.statistics();
  if (request.name().empty()) {
    for (const auto& [key, counts] : statistics.All()) {
      *response.add_model_stats() = DescribeCounts(key.first, key.second, counts);
    }
    return absl::OkStatus();
  }
  MAE_ASSIGN_OR_RETURN(const auto found, FindModel(requests_, request.name(), request.version()));
  const std::string& model = found.version.model;
  const bool named = NamesVersion(request.name(), request.version());
  MAE_ASSIGN_OR_RETURN(const auto record, requests_.store().Get(model));
  for (const ModelVersion& version : record.versions) {
    if (named && version.version != found.version.version) continue;
    *response.add_model_stats() =
        DescribeCounts(request.name(), version.version, statistics.Of(model, version.version));
  }
  return absl::OkStatus();
}

ServerUnaryReactor* OipService::RepositoryIndex(CallbackServerContext* context,
                                                const inference::RepositoryIndexRequest* request,
                                                inference::RepositoryIndexResponse* response) {
  return RunUnary(context, about_, [=, this]() -> absl::Status {
    MAE_RETURN_IF_ERROR(CheckRepository(request->repository_name()));
    return ListVersions(*response);
  });
}

// All are READY, so that asking for those alone changes nothing.
absl::Status OipService::ListVersions(inference::RepositoryIndexResponse& response) {
  MAE_ASSIGN_OR_RETURN(const auto records, requests_.store().List());
  for (const ModelRecord& record : records) {
    for (auto it = record.versions.rbegin(); it != record.versions.rend(); ++it) {
      auto& model = *response.add_models();
      model.set_name(record.model);
      model.set_version(absl::StrCat(it->version));
      model.set_state("READY");
    }
  }
  return absl::OkStatus();
}

ServerUnaryReactor* OipService::RepositoryModelLoad(CallbackServerContext* context,
                                                    const inference::RepositoryModelLoadRequest* request,
                                                    inference::RepositoryModelLoadResponse*) {
  return RunUnary(context, infer_, [=, this]() -> absl::Status {
    MAE_RETURN_IF_ERROR(CheckRepository(request->repository_name()));
    if (!request->parameters().empty()) {
      return absl::UnimplementedError(
          "a model is loaded as it was published; publish another version with ImportModel of "
          "mae.v1.ModelService instead of giving a config or files");
    }
    const auto found = requests_.Find(ReadModelName("model_", request->model_name(), ""));
    if (!found.ok()) return WithField(found.status(), {{"model", "model_name"}});
    return requests_.store()
        .Load(found->version.resource_name(), /*pin=*/std::nullopt, ContextOf(*context))
        .status();
  });
}

// What depends on a model, and its parameter unload_dependents, there is not here.
ServerUnaryReactor* OipService::RepositoryModelUnload(CallbackServerContext* context,
                                                      const inference::RepositoryModelUnloadRequest* request,
                                                      inference::RepositoryModelUnloadResponse*) {
  return RunUnary(context, infer_, [=, this]() -> absl::Status {
    MAE_RETURN_IF_ERROR(CheckRepository(request->repository_name()));
    const auto found = requests_.Find(ReadModelName("model_", request->model_name(), ""));
    if (!found.ok()) return WithField(found.status(), {{"model", "model_name"}});
    MAE_RETURN_IF_ERROR(CheckNotPinned(requests_.store(), found->version));
    return requests_.store().Unload(found->version.resource_name(), ContextOf(*context)).status();
  });
}

ServerUnaryReactor* OipService::SystemSharedMemoryStatus(CallbackServerContext* context,
                                                         const inference::SystemSharedMemoryStatusRequest*,
                                                         inference::SystemSharedMemoryStatusResponse*) {
  return FinishNow(context);
}

ServerUnaryReactor* OipService::SystemSharedMemoryRegister(
    CallbackServerContext* context, const inference::SystemSharedMemoryRegisterRequest*,
    inference::SystemSharedMemoryRegisterResponse*) {
  return FinishNow(context, NoSharedMemory());
}

ServerUnaryReactor* OipService::SystemSharedMemoryUnregister(
    CallbackServerContext* context, const inference::SystemSharedMemoryUnregisterRequest*,
    inference::SystemSharedMemoryUnregisterResponse*) {
  return FinishNow(context);
}

ServerUnaryReactor* OipService::CudaSharedMemoryStatus(CallbackServerContext* context,
                                                       const inference::CudaSharedMemoryStatusRequest*,
                                                       inference::CudaSharedMemoryStatusResponse*) {
  return FinishNow(context);
}

ServerUnaryReactor* OipService::CudaSharedMemoryRegister(CallbackServerContext* context,
                                                         const inference::CudaSharedMemoryRegisterRequest*,
                                                         inference::CudaSharedMemoryRegisterResponse*) {
  return FinishNow(context, NoSharedMemory());
}

ServerUnaryReactor* OipService::CudaSharedMemoryUnregister(
    CallbackServerContext* context, const inference::CudaSharedMemoryUnregisterRequest*,
    inference::CudaSharedMemoryUnregisterResponse*) {
  return FinishNow(context);
}

ServerUnaryReactor* OipService::TraceSetting(CallbackServerContext* context,
                                             const inference::TraceSettingRequest* request,
                                             inference::TraceSettingResponse*) {
  return FinishNow(context, request->settings().empty() ? absl::OkStatus() : NoSettings("trace"));
}

ServerUnaryReactor* OipService::LogSettings(CallbackServerContext* context,
                                            const inference::LogSettingsRequest* request,
                                            inference::LogSettingsResponse*) {
  return FinishNow(context, request->settings().empty() ? absl::OkStatus() : NoSettings("log"));
}

}  // namespace mae
