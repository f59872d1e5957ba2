#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "mae/v1/dataset.grpc.pb.h"
#include "mae/v1/inference.grpc.pb.h"
#include "mae/v1/job.grpc.pb.h"
#include "mae/v1/model.grpc.pb.h"
#include "mae/v1/server.grpc.pb.h"

namespace mae {

/// Answers of one RPC as a test scripts them. Called on gRPC's threads; a test reads what its functions noted
/// only after FakeServer::Stop.
template <typename Request, typename Response>
using Answer = std::function<grpc::Status(const grpc::ServerContext& context, const Request& request,
                                          Response& response)>;

/// What the server says; an RPC without an answer is UNIMPLEMENTED. GetServerInfo answers with `info`.
struct Script {
  Answer<v1::CreateJobRequest, v1::Job> create_job;
  Answer<v1::GetJobRequest, v1::Job> get_job;
  Answer<v1::ListJobsRequest, v1::ListJobsResponse> list_jobs;
  Answer<v1::StopJobRequest, v1::Job> stop_job;
  Answer<v1::ResumeJobRequest, v1::Job> resume_job;
  Answer<v1::DeleteJobRequest, google::protobuf::Empty> delete_job;
  Answer<v1::QueryMetricsRequest, v1::QueryMetricsResponse> query_metrics;
  /// Sends what it likes; the stream ends with what it returns. It must return once context.IsCancelled().
  std::function<grpc::Status(grpc::ServerContext& context, const v1::WatchJobRequest& request,
                             const std::function<void(const v1::JobEvent&)>& send)>
      watch_job;
  Answer<v1::ListDatasetsRequest, v1::ListDatasetsResponse> list_datasets;
  Answer<v1::GetDatasetRequest, v1::Dataset> get_dataset;
  Answer<v1::GetDatasetImagesRequest, v1::GetDatasetImagesResponse> get_dataset_images;
  /// Likewise as import_model.
  std::function<grpc::Status(grpc::ServerContext& context,
                             const std::function<bool(v1::UploadDatasetRequest&)>& read, v1::Dataset&)>
      upload_dataset;
  Answer<v1::GetDatasetUploadRequest, v1::DatasetUpload> get_dataset_upload;
  Answer<v1::DeleteDatasetRequest, google::protobuf::Empty> delete_dataset;
  Answer<v1::ListModelsRequest, v1::ListModelsResponse> list_models;
  Answer<v1::GetModelRequest, v1::Model> get_model;
  /// Gets all that was sent; may answer before the end of it by reading no more.
  std::function<grpc::Status(grpc::ServerContext& context,
                             const std::function<bool(v1::ImportModelRequest&)>& read,
                             v1::ImportModelResponse&)>
      import_model;
  std::function<grpc::Status(grpc::ServerContext& context, const v1::ExportModelRequest& request,
                             const std::function<void(const v1::ExportModelResponse&)>& send)>
      export_model;
  Answer<v1::SetAliasRequest, v1::Model> set_alias;
  Answer<v1::DeleteModelVersionRequest, google::protobuf::Empty> delete_model_version;
  Answer<v1::LoadModelRequest, v1::ModelVersion> load_model;
  Answer<v1::UnloadModelRequest, v1::ModelVersion> unload_model;
  Answer<v1::ReconstructRequest, v1::ReconstructResponse> reconstruct;
  Answer<v1::ClassifyRequest, v1::ClassifyResponse> classify;
  Answer<v1::EmbedRequest, v1::EmbedResponse> embed;
  v1::ServerInfo info;
};

/// A gRPC server on 127.0.0.1 that follows a script.
class FakeServer {
 public:
  /// @param port 0: picks a free one
  explicit FakeServer(Script script, int port = 0);
  ~FakeServer();

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// At once: open streams are cut. Returns when no answer is being made any more.
  void Stop();

 private:
  struct Services;
  std::unique_ptr<Services> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

/// INVALID_ARGUMENT with google.rpc.BadRequest details, as the real server sends them.
grpc::Status Violations(const std::vector<std::pair<std::string, std::string>>& violations,
                        const std::string& message = "the request is wrong");

}  // namespace mae
