#pragma once

#include <functional>
#include <string_view>

#include "base/work_queue.h"
#include "mae/v1/inference.grpc.pb.h"
#include "server/image_from_proto.h"
#include "server/infer_metrics.h"
#include "serving/model_store.h"

namespace mae {

/// mae.v1.InferenceService over the models of a ModelStore: each method unary, and as a stream of the same
/// requests (server/request_stream.h). Each request, of a stream too, is told to the metrics. Thread-safe;
/// what it is given by reference outlives it.
class InferenceService final : public v1::InferenceService::CallbackService {
 public:
  InferenceService(ModelStore& store, WorkQueue& queue, InferMetrics& metrics, InferenceLimits limits)
      : store_(store), queue_(queue), metrics_(metrics), limits_(limits) {}

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
  absl::Status Answer(const grpc::CallbackServerContext& context, const v1::ReconstructRequest& request,
                      v1::ReconstructResponse& response);
  absl::Status Answer(const grpc::CallbackServerContext& context, const v1::ClassifyRequest& request,
                      v1::ClassifyResponse& response);
  absl::Status Answer(const grpc::CallbackServerContext& context, const v1::EmbedRequest& request,
                      v1::EmbedResponse& response);

  /// What every method does: find the model, check that it would do, run, and tell the metrics.
  /// @param can_do whether a model of this description can answer the method.
  /// @param run the method itself.
  absl::Status Serve(std::string_view method, const std::string& model,
                     const std::function<bool(const ModelConfig&)>& can_do,
                     const std::function<absl::Status(const ModelVersion&)>& run);

  /// Loads the model unless nobody waits for the answer any more.
  absl::StatusOr<LoadedModel> Load(const grpc::CallbackServerContext& context, const ModelVersion& version);

  /// FAILED_PRECONDITION that names models that would do.
  absl::Status CantDo(std::string_view method, const ModelVersion& version,
                      const std::function<bool(const ModelConfig&)>& can_do) const;

  ModelStore& store_;
  WorkQueue& queue_;
  InferMetrics& metrics_;
  const InferenceLimits limits_;
};

}  // namespace mae
