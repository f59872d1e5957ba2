#pragma once

#include "base/work_queue.h"
#include "mae/v1/model.grpc.pb.h"
#include "server/model_transfers.h"
#include "serving/model_store.h"

namespace mae {

/// mae.v1.ModelService over a ModelStore. Thread-safe; what it is given by reference outlives it.
class ModelService final : public v1::ModelService::CallbackService {
 public:
  ModelService(ModelStore& store, WorkQueue& queue, ModelTransfers& transfers)
      : store_(store), queue_(queue), transfers_(transfers) {}

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

 private:
  absl::Status List(const v1::ListModelsRequest& request, v1::ListModelsResponse& response) const;
  absl::Status Get(const v1::GetModelRequest& request, v1::Model& response) const;

  ModelStore& store_;
  WorkQueue& queue_;
  ModelTransfers& transfers_;
};

}  // namespace mae
