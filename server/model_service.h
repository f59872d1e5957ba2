#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/work_queue.h"
#include "mae/v1/model.grpc.pb.h"
#include "server/model_transfers.h"
#include "serving/model_store.h"

namespace mae {

/// "jobs/{job}" of each that has not ended and starts from a version, "models/m/versions/3".
using JobsFromModel = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& version)>;

/// mae.v1.ModelService over a ModelStore. Thread-safe; what it is given by reference outlives it.
class ModelService final : public v1::ModelService::CallbackService {
 public:
  /// @param queue for what waits for the disk alone.
  /// @param waiting for what waits for a model: to be loaded, to run, to be let go of.
  ModelService(ModelStore& store, WorkQueue& queue, WorkQueue& waiting, ModelTransfers& transfers,
               JobsFromModel jobs_from)
      : store_(store),
        queue_(queue),
        waiting_(waiting),
        transfers_(transfers),
        jobs_from_(std::move(jobs_from)) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::Model* response) override;
  grpc::ServerReadReactor<v1::ImportModelRequest>* ImportModel(grpc::CallbackServerContext* context,
                                                               v1::ImportModelResponse* response) override {
    return transfers_.Import(context, response);
  }
  grpc::ServerWriteReactor<v1::ExportModelResponse>* ExportModel(
      grpc::CallbackServerContext* context, const v1::ExportModelRequest* request) override {
    return transfers_.Export(context, request);
  }
  grpc::ServerUnaryReactor* SetAlias(grpc::CallbackServerContext* context, const v1::SetAliasRequest* request,
                                     v1::Model* response) override;
  grpc::ServerUnaryReactor* DeleteModelVersion(grpc::CallbackServerContext* context,
                                               const v1::DeleteModelVersionRequest* request,
                                               google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* LoadModel(grpc::CallbackServerContext* context,
                                      const v1::LoadModelRequest* request,
                                      v1::ModelVersion* response) override;
  grpc::ServerUnaryReactor* UnloadModel(grpc::CallbackServerContext* context,
                                        const v1::UnloadModelRequest* request,
                                        v1::ModelVersion* response) override;

 private:
  absl::Status List(const v1::ListModelsRequest& request, v1::ListModelsResponse& response) const;
  absl::Status Get(const v1::GetModelRequest& request, v1::Model& response) const;
  absl::Status MoveAlias(const grpc::CallbackServerContext& context, const v1::SetAliasRequest& request,
                         v1::Model& response);
  absl::Status Delete(const v1::DeleteModelVersionRequest& request);
  absl::Status Load(const grpc::CallbackServerContext& context, const v1::LoadModelRequest& request,
                    v1::ModelVersion& response);
  absl::Status Unload(const grpc::CallbackServerContext& context, const v1::UnloadModelRequest& request,
                      v1::ModelVersion& response);

  ModelStore& store_;
  WorkQueue& queue_;
  WorkQueue& waiting_;
  ModelTransfers& transfers_;
  const JobsFromModel jobs_from_;
};

}  // namespace mae
