#include "server/rpc_roles.h"

#include <unordered_map>

namespace mae {
namespace {

constexpr Roles kAnyRole(Role::kViewer, Role::kInference, Role::kOperator, Role::kAdmin);
constexpr Roles kReaders(Role::kViewer, Role::kOperator, Role::kAdmin);
constexpr Roles kCallers(Role::kInference, Role::kAdmin);
constexpr Roles kOperators(Role::kOperator, Role::kAdmin);
constexpr Roles kAdmins(Role::kAdmin);

RpcRule OpenRule(std::string_view path) { return {path, kAnyRole, /*is_open=*/true, false}; }
RpcRule RuleFor(Roles roles, std::string_view path) { return {path, roles, false, false}; }
RpcRule LoggedRule(Roles roles, std::string_view path) {
  return {path, roles, false, /*goes_to_the_log=*/true};
}

std::vector<RpcRule> OfTheServer() {
  return {
      OpenRule("/grpc.health.v1.Health/Check"),
      OpenRule("/grpc.health.v1.Health/Watch"),
      RuleFor(kReaders, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
      // mae_client asks how large a request may be before it sends images.
      RuleFor(kAnyRole, "/mae.v1.ServerService/GetServerInfo"),
  };
}

std::vector<RpcRule> OfJobs() {
  return {
      RuleFor(kReaders, "/mae.v1.JobService/GetJob"),
      RuleFor(kReaders, "/mae.v1.JobService/ListJobs"),
      RuleFor(kReaders, "/mae.v1.JobService/WatchJob"),
      RuleFor(kReaders, "/mae.v1.JobService/QueryMetrics"),
      LoggedRule(kOperators, "/mae.v1.JobService/CreateJob"),
      LoggedRule(kOperators, "/mae.v1.JobService/StopJob"),
      LoggedRule(kOperators, "/mae.v1.JobService/ResumeJob"),
      LoggedRule(kOperators, "/mae.v1.JobService/DeleteJob"),
  };
}

std::vector<RpcRule> OfDatasets() {
  return {
      RuleFor(kReaders, "/mae.v1.DatasetService/ListDatasets"),
      RuleFor(kReaders, "/mae.v1.DatasetService/GetDataset"),
      RuleFor(kReaders, "/mae.v1.DatasetService/GetDatasetImages"),
      RuleFor(kReaders, "/mae.v1.DatasetService/GetDatasetUpload"),
      LoggedRule(kOperators, "/mae.v1.DatasetService/UploadDataset"),
      LoggedRule(kOperators, "/mae.v1.DatasetService/DeleteDataset"),
  };
}

std::vector<RpcRule> OfModels() {
  return {
      RuleFor(kAnyRole, "/mae.v1.ModelService/ListModels"),
      RuleFor(kAnyRole, "/mae.v1.ModelService/GetModel"),
      LoggedRule(kOperators, "/mae.v1.ModelService/ImportModel"),
      LoggedRule(kOperators, "/mae.v1.ModelService/ExportModel"),
      LoggedRule(kOperators, "/mae.v1.ModelService/SetAlias"),
      LoggedRule(kOperators, "/mae.v1.ModelService/DeleteModelVersion"),
      LoggedRule(kOperators, "/mae.v1.ModelService/LoadModel"),
      LoggedRule(kOperators, "/mae.v1.ModelService/UnloadModel"),
  };
}

std::vector<RpcRule> OfInference() {
  return {
      RuleFor(kCallers, "/mae.v1.InferenceService/Reconstruct"),
      RuleFor(kCallers, "/mae.v1.InferenceService/Classify"),
      RuleFor(kCallers, "/mae.v1.InferenceService/Embed"),
      RuleFor(kCallers, "/mae.v1.InferenceService/StreamReconstruct"),
      RuleFor(kCallers, "/mae.v1.InferenceService/StreamClassify"),
      RuleFor(kCallers, "/mae.v1.InferenceService/StreamEmbed"),
  };
}

std::vector<RpcRule> OfOpenInference() {
  return {
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ServerLive"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ServerReady"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ModelReady"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ServerMetadata"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ModelMetadata"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ModelConfig"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/ModelStatistics"),
      RuleFor(kAnyRole, "/inference.GRPCInferenceService/RepositoryIndex"),
      RuleFor(kCallers, "/inference.GRPCInferenceService/ModelInfer"),
      RuleFor(kCallers, "/inference.GRPCInferenceService/ModelStreamInfer"),
      LoggedRule(kOperators, "/inference.GRPCInferenceService/RepositoryModelLoad"),
      LoggedRule(kOperators, "/inference.GRPCInferenceService/RepositoryModelUnload"),
      // Of the protocol, and not done here.
      RuleFor(kAdmins, "/inference.GRPCInferenceService/SystemSharedMemoryStatus"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/SystemSharedMemoryRegister"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/SystemSharedMemoryUnregister"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/CudaSharedMemoryStatus"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/CudaSharedMemoryRegister"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/CudaSharedMemoryUnregister"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/TraceSetting"),
      RuleFor(kAdmins, "/inference.GRPCInferenceService/LogSettings"),
  };
}

}  // namespace

const std::vector<RpcRule>& RpcRules() {
  static const std::vector<RpcRule> rules = [] {
    std::vector<RpcRule> all;
    for (auto part : {OfTheServer(), OfJobs(), OfDatasets(), OfModels(), OfInference(), OfOpenInference()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rules;
}

const RpcRule* FindRpcRule(std::string_view path) {
  static const auto by_path = [] {
    std::unordered_map<std::string_view, const RpcRule*> rules;
    for (const RpcRule& rule : RpcRules()) rules[rule.path] = &rule;
    return rules;
  }();
  const auto found = by_path.find(path);
  return found == by_path.end() ? nullptr : found->second;
}

}  // namespace mae
