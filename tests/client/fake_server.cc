#include "tests/client/fake_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdlib>

#include "google/rpc/status.pb.h"

namespace mae {
namespace {

template <typename Request, typename Response>
grpc::Status Follow(const Answer<Request, Response>& answer, const grpc::ServerContext* context,
                    const Request* request, Response* response) {
  if (!answer) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "not in the script");
  return answer(*context, *request, *response);
}

class Jobs : public v1::JobService::Service {
 public:
  explicit Jobs(const Script& script) : script_(script) {}
  grpc::Status CreateJob(grpc::ServerContext* c, const v1::CreateJobRequest* q, v1::Job* a) override {
    return Follow(script_.create_job, c, q, a);
  }
  grpc::Status GetJob(grpc::ServerContext* c, const v1::GetJobRequest* q, v1::Job* a) override {
    return Follow(script_.get_job, c, q, a);
  }
  grpc::Status ListJobs(grpc::ServerContext* c, const v1::ListJobsRequest* q,
                        v1::ListJobsResponse* a) override {
    return Follow(script_.list_jobs, c, q, a);
  }
  grpc::Status StopJob(grpc::ServerContext* c, const v1::StopJobRequest* q, v1::Job* a) override {
    return Follow(script_.stop_job, c, q, a);
  }
  grpc::Status ResumeJob(grpc::ServerContext* c, const v1::ResumeJobRequest* q, v1::Job* a) override {
    return Follow(script_.resume_job, c, q, a);
  }
  grpc::Status DeleteJob(grpc::ServerContext* c, const v1::DeleteJobRequest* q,
                         google::protobuf::Empty* a) override {
    return Follow(script_.delete_job, c, q, a);
  }
  grpc::Status QueryMetrics(grpc::ServerContext* c, const v1::QueryMetricsRequest* q,
                            v1::QueryMetricsResponse* a) override {
    return Follow(script_.query_metrics, c, q, a);
  }
  grpc::Status WatchJob(grpc::ServerContext* c, const v1::WatchJobRequest* q,
                        grpc::ServerWriter<v1::JobEvent>* writer) override {
    if (!script_.watch_job) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "not in the script");
    return script_.watch_job(*c, *q, [writer](const v1::JobEvent& event) { writer->Write(event); });
  }

 private:
  const Script& script_;
};

class Datasets : public v1::DatasetService::Service {
 public:
  explicit Datasets(const Script& script) : script_(script) {}
  grpc::Status ListDatasets(grpc::ServerContext* c, const v1::ListDatasetsRequest* q,
                            v1::ListDatasetsResponse* a) override {
    return Follow(script_.list_datasets, c, q, a);
  }
  grpc::Status GetDataset(grpc::ServerContext* c, const v1::GetDatasetRequest* q, v1::Dataset* a) override {
    return Follow(script_.get_dataset, c, q, a);
  }
  grpc::Status GetDatasetImages(grpc::ServerContext* c, const v1::GetDatasetImagesRequest* q,
                                v1::GetDatasetImagesResponse* a) override {
    return Follow(script_.get_dataset_images, c, q, a);
  }
  grpc::Status UploadDataset(grpc::ServerContext* c, grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                             v1::Dataset* a) override {
    if (!script_.upload_dataset) return {grpc::StatusCode::UNIMPLEMENTED, "no script"};
    return script_.upload_dataset(
        *c, [reader](v1::UploadDatasetRequest& q) { return reader->Read(&q); }, *a);
  }
  grpc::Status GetDatasetUpload(grpc::ServerContext* c, const v1::GetDatasetUploadRequest* q,
                                v1::DatasetUpload* a) override {
    return Follow(script_.get_dataset_upload, c, q, a);
  }
  grpc::Status DeleteDataset(grpc::ServerContext* c, const v1::DeleteDatasetRequest* q,
                             google::protobuf::Empty* a) override {
    return Follow(script_.delete_dataset, c, q, a);
  }

 private:
  const Script& script_;
};

class Models : public v1::ModelService::Service {
 public:
  explicit Models(const Script& script) : script_(script) {}
  grpc::Status ListModels(grpc::ServerContext* c, const v1::ListModelsRequest* q,
                          v1::ListModelsResponse* a) override {
    return Follow(script_.list_models, c, q, a);
  }
  grpc::Status GetModel(grpc::ServerContext* c, const v1::GetModelRequest* q, v1::Model* a) override {
    return Follow(script_.get_model, c, q, a);
  }
  grpc::Status ImportModel(grpc::ServerContext* c, grpc::ServerReader<v1::ImportModelRequest>* reader,
                           v1::ImportModelResponse* a) override {
    if (!script_.import_model) return {grpc::StatusCode::UNIMPLEMENTED, "no script"};
    return script_.import_model(
        *c, [reader](v1::ImportModelRequest& q) { return reader->Read(&q); }, *a);
  }
  grpc::Status ExportModel(grpc::ServerContext* c, const v1::ExportModelRequest* q,
                           grpc::ServerWriter<v1::ExportModelResponse>* writer) override {
    if (!script_.export_model) return {grpc::StatusCode::UNIMPLEMENTED, "no script"};
    return script_.export_model(*c, *q, [writer](const v1::ExportModelResponse& a) { writer->Write(a); });
  }
  grpc::Status SetAlias(grpc::ServerContext* c, const v1::SetAliasRequest* q, v1::Model* a) override {
    return Follow(script_.set_alias, c, q, a);
  }
  grpc::Status DeleteModelVersion(grpc::ServerContext* c, const v1::DeleteModelVersionRequest* q,
                                  google::protobuf::Empty* a) override {
    return Follow(script_.delete_model_version, c, q, a);
  }
  grpc::Status LoadModel(grpc::ServerContext* c, const v1::LoadModelRequest* q,
                         v1::ModelVersion* a) override {
    return Follow(script_.load_model, c, q, a);
  }
  grpc::Status UnloadModel(grpc::ServerContext* c, const v1::UnloadModelRequest* q,
                           v1::ModelVersion* a) override {
    return Follow(script_.unload_model, c, q, a);
  }

 private:
  const Script& script_;
};

class Inference : public v1::InferenceService::Service {
 public:
  explicit Inference(const Script& script) : script_(script) {}
  grpc::Status Reconstruct(grpc::ServerContext* c, const v1::ReconstructRequest* q,
                           v1::ReconstructResponse* a) override {
    return Follow(script_.reconstruct, c, q, a);
  }
  grpc::Status Classify(grpc::ServerContext* c, const v1::ClassifyRequest* q,
                        v1::ClassifyResponse* a) override {
    return Follow(script_.classify, c, q, a);
  }
  grpc::Status Embed(grpc::ServerContext* c, const v1::EmbedRequest* q, v1::EmbedResponse* a) override {
    return Follow(script_.embed, c, q, a);
  }

 private:
  const Script& script_;
};

class Info : public v1::ServerService::Service {
 public:
  explicit Info(const Script& script) : script_(script) {}
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::ServerInfo* answer) override {
    *answer = script_.info;
    return grpc::Status::OK;
  }

 private:
  const Script& script_;
};

}  // namespace

struct FakeServer::Services {
  explicit Services(Script scripted) : script(std::move(scripted)) {}
  const Script script;
  Jobs jobs{script};
  Datasets datasets{script};
  Models models{script};
  Inference inference{script};
  Info info{script};
};

FakeServer::FakeServer(Script script, int port) : services_(std::make_unique<Services>(std::move(script))) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
  for (grpc::Service* service :
       std::initializer_list<grpc::Service*>{&services_->jobs, &services_->datasets, &services_->models,
                                             &services_->inference, &services_->info}) {
    builder.RegisterService(service);
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) std::abort();
}

FakeServer::~FakeServer() { Stop(); }

void FakeServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

grpc::Status Violations(const std::vector<std::pair<std::string, std::string>>& violations,
                        const std::string& message) {
  google::rpc::BadRequest bad_request;
  for (const auto& [field, description] : violations) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  }
  google::rpc::Status details;
  details.set_code(grpc::StatusCode::INVALID_ARGUMENT);
  details.set_message(message);
  details.add_details()->PackFrom(bad_request);
  return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, details.message(), details.SerializeAsString());
}

}  // namespace mae
