#pragma once

#include "base/work_queue.h"
#include "mae/v1/job.grpc.pb.h"
#include "server/job_manager.h"
#include "server/watch_hub.h"

namespace mae {

/// mae.v1.JobService: the verbs of a JobManager on the work queue, and watches of a WatchHub. Thread-safe;
/// all outlive it.
class JobService final : public v1::JobService::CallbackService {
 public:
  JobService(JobManager& manager, WatchHub& hub, WorkQueue& queue)
      : manager_(manager), hub_(hub), queue_(queue) {}

  grpc::ServerUnaryReactor* CreateJob(grpc::CallbackServerContext* context,
                                      const v1::CreateJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                   v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* StopJob(grpc::CallbackServerContext* context, const v1::StopJobRequest* request,
                                    v1::Job* response) override;
  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context,
                                      const v1::ResumeJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const v1::DeleteJobRequest* request,
                                      google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* QueryMetrics(grpc::CallbackServerContext* context,
                                         const v1::QueryMetricsRequest* request,
                                         v1::QueryMetricsResponse* response) override;
  grpc::ServerWriteReactor<v1::JobEvent>* WatchJob(grpc::CallbackServerContext* context,
                                                   const v1::WatchJobRequest* request) override;

 private:
  JobManager& manager_;
  WatchHub& hub_;
  WorkQueue& queue_;
};

}  // namespace mae
