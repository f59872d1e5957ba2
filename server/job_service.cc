#include "server/job_service.h"

#include "server/unary_call.h"

namespace mae {

grpc::ServerUnaryReactor* JobService::CreateJob(grpc::CallbackServerContext* context,
                                                const v1::CreateJobRequest* request, v1::Job* response) {
  return RunUnary(context, queue_, [=, this] { return manager_.Create(*request, *response); });
}

grpc::ServerUnaryReactor* JobService::GetJob(grpc::CallbackServerContext* context,
                                             const v1::GetJobRequest* request, v1::Job* response) {
  return RunUnary(context, queue_, [=, this] { return manager_.Get(*request, *response); });
}

grpc::ServerUnaryReactor* JobService::ListJobs(grpc::CallbackServerContext* context,
                                               const v1::ListJobsRequest* request,
                                               v1::ListJobsResponse* response) {
  return RunUnary(context, queue_, [=, this] { return manager_.List(*request, *response); });
}

grpc::ServerUnaryReactor* JobService::StopJob(grpc::CallbackServerContext* context,
                                              const v1::StopJobRequest* request, v1::Job* response) {
  return RunUnary(context, queue_, [=, this] { return manager_.Stop(*request, *response); });
}

grpc::ServerUnaryReactor* JobService::ResumeJob(grpc::CallbackServerContext* context,
                                                const v1::ResumeJobRequest* request, v1::Job* response) {
  return RunUnary(context, queue_, [=, this] { return manager_.Resume(*request, *response); });
}

grpc::ServerUnaryReactor* JobService::DeleteJob(grpc::CallbackServerContext* context,
                                                const v1::DeleteJobRequest* request,
                                                google::protobuf::Empty*) {
  return RunUnary(context, queue_, [=, this] { return manager_.Delete(*request); });
}

grpc::ServerUnaryReactor* JobService::QueryMetrics(grpc::CallbackServerContext* context,
                                                   const v1::QueryMetricsRequest* request,
                                                   v1::QueryMetricsResponse* response) {
  return RunUnary(context, queue_, [=, this] {
    return manager_.QueryMetrics(
        *request, [context] { return context->IsCancelled(); }, *response);
  });
}

grpc::ServerWriteReactor<v1::JobEvent>* JobService::WatchJob(grpc::CallbackServerContext*,
                                                             const v1::WatchJobRequest* request) {
  return hub_.Watch(request->name(), request->after_sequence());
}

}  // namespace mae
