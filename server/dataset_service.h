#pragma once

#include "mae/v1/dataset.grpc.pb.h"
#include "server/dataset_store.h"
#include "server/work_queue.h"

namespace mae {

/// mae.v1.DatasetService over a DatasetStore. Thread-safe; store and queue outlive it.
class DatasetService final : public v1::DatasetService::CallbackService {
 public:
  DatasetService(const DatasetStore& store, WorkQueue& queue) : store_(store), queue_(queue) {}

  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* context,
                                         const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override;
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context,
                                       const v1::GetDatasetRequest* request, v1::Dataset* response) override;
  grpc::ServerUnaryReactor* GetDatasetImages(grpc::CallbackServerContext* context,
                                             const v1::GetDatasetImagesRequest* request,
                                             v1::GetDatasetImagesResponse* response) override;

 private:
  absl::Status List(const v1::ListDatasetsRequest& request, v1::ListDatasetsResponse& response) const;
  absl::Status Get(const v1::GetDatasetRequest& request, v1::Dataset& response) const;
  absl::Status GetImages(const v1::GetDatasetImagesRequest& request,
                         v1::GetDatasetImagesResponse& response) const;

  const DatasetStore& store_;
  WorkQueue& queue_;
};

}  // namespace mae
