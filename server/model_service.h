#pragma once

#include "mae/v1/model.grpc.pb.h"
#include "server/work_queue.h"
#include "serving/model_store.h"

namespace mae {

/// mae.v1.ModelService over a ModelStore. Thread-safe; store and queue outlive it.
class ModelService final : public v1::ModelService::CallbackService {
 public:
  ModelService(ModelStore& store, WorkQueue& queue) : store_(store), queue_(queue) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::Model* response) override;

 private:
  absl::Status List(const v1::ListModelsRequest& request, v1::ListModelsResponse& response) const;
  absl::Status Get(const v1::GetModelRequest& request, v1::Model& response) const;

  ModelStore& store_;
  WorkQueue& queue_;
};

}  // namespace mae
