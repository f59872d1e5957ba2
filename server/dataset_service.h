#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/work_queue.h"
#include "mae/v1/dataset.grpc.pb.h"
#include "server/dataset_store.h"
#include "server/dataset_upload.h"
#include "server/transfer_place.h"
#include "server/upload_staging.h"

namespace mae {

/// Names of the jobs that have not ended and use a dataset.
using JobsOnDataset = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& dataset)>;

/// The most bytes that the images of one answer have together, decoded. One alone may have more.
inline constexpr int64_t kMaxAnswerPixelBytes = int64_t{256} << 20;

/// mae.v1.DatasetService over a DatasetStore. Uploads lie in `.uploads` of the store's folder until they are
/// whole (server/upload_staging.h). Thread-safe; store and queue outlive it.
class DatasetService final : public v1::DatasetService::CallbackService {
 public:
  DatasetService(DatasetStore& store, WorkQueue& queue, JobsOnDataset jobs_on,
                 TransferLimits transfer_limits = {.whole = absl::Hours(48)},
                 DatasetUploadLimits upload_limits = {}, int64_t max_answer_bytes = kMaxAnswerPixelBytes);

  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* context,
                                         const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override;
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context,
                                       const v1::GetDatasetRequest* request, v1::Dataset* response) override;
  grpc::ServerUnaryReactor* GetDatasetImages(grpc::CallbackServerContext* context,
                                             const v1::GetDatasetImagesRequest* request,
                                             v1::GetDatasetImagesResponse* response) override;
  grpc::ServerReadReactor<v1::UploadDatasetRequest>* UploadDataset(grpc::CallbackServerContext* context,
                                                                   v1::Dataset* response) override;
  grpc::ServerUnaryReactor* GetDatasetUpload(grpc::CallbackServerContext* context,
                                             const v1::GetDatasetUploadRequest* request,
                                             v1::DatasetUpload* response) override;
  grpc::ServerUnaryReactor* DeleteDataset(grpc::CallbackServerContext* context,
                                          const v1::DeleteDatasetRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  absl::Status List(const v1::ListDatasetsRequest& request, v1::ListDatasetsResponse& response) const;
  absl::Status Get(const v1::GetDatasetRequest& request, v1::Dataset& response) const;
  absl::Status GetImages(const v1::GetDatasetImagesRequest& request,
                         v1::GetDatasetImagesResponse& response) const;
  absl::Status GetUpload(const v1::GetDatasetUploadRequest& request, v1::DatasetUpload& response);
  absl::Status Delete(const v1::DeleteDatasetRequest& request);
  void EmptyTrash();

  DatasetStore& store_;
  WorkQueue& queue_;
  const JobsOnDataset jobs_on_;
  const DatasetUploadLimits upload_limits_;
  const int64_t max_answer_bytes_;
  UploadStaging staging_;
  Transfers transfers_;  // its work uses the rest
};

}  // namespace mae
