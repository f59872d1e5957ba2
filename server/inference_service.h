#pragma once

#include "base/work_queue.h"
#include "mae/v1/inference.grpc.pb.h"
#include "server/model_requests.h"

namespace mae {

/// mae.v1.InferenceService: each method unary, and as a stream of the same requests
/// (server/request_stream.h). Each request, of a stream too, is told to the metrics. Thread-safe; what it is
/// given by reference outlives it.
class InferenceService final : public v1::InferenceService::CallbackService {
 public:
  InferenceService(ModelRequests& requests, WorkQueue& queue) : requests_(requests), queue_(queue) {}

  grpc::ServerUnaryReactor* Reconstruct(grpc::CallbackServerContext* context,
                                        const v1::ReconstructRequest* request,
                                        v1::ReconstructResponse* response) override;
  grpc::ServerUnaryReactor* Classify(grpc::CallbackServerContext* context, const v1::ClassifyRequest* request,
                                     v1::ClassifyResponse* response) override;
  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context, const v1::EmbedRequest* request,
                                  v1::EmbedResponse* response) override;

  grpc::ServerBidiReactor<v1::ReconstructRequest, v1::ReconstructResponse>* StreamReconstruct(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::ClassifyRequest, v1::ClassifyResponse>* StreamClassify(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::EmbedRequest, v1::EmbedResponse>* StreamEmbed(
      grpc::CallbackServerContext* context) override;

 private:
  template <typename Request>
  absl::StatusOr<Admission::Ticket> Admit(const grpc::CallbackServerContext& context, const Request& request,
                                          InferenceTask task);
  absl::Status Answer(const grpc::CallbackServerContext& context, const v1::ReconstructRequest& request,
                      v1::ReconstructResponse& response);
  absl::Status Answer(const grpc::CallbackServerContext& context, const v1::ClassifyRequest& request,
                      v1::ClassifyResponse& response);
  absl::Status Answer(const grpc::CallbackServerContext& context, const v1::EmbedRequest& request,
                      v1::EmbedResponse& response);

  ModelRequests& requests_;
  WorkQueue& queue_;
};

}  // namespace mae
