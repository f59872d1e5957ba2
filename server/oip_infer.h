#pragma once

#include "absl/status/status.h"
#include "inference/grpc_service.pb.h"
#include "server/model_requests.h"

namespace mae {

/// Priorities that a request may have, 1 the first to be served; 0 or none is the default.
inline constexpr int64_t kOipPriorityLevels = 10, kOipDefaultPriority = 5;

/// Answers one ModelInfer, of a stream too; blocks for it. Thread-safe.
absl::Status AnswerModelInfer(ModelRequests& requests, const RequestContext& caller,
                              const inference::ModelInferRequest& request,
                              inference::ModelInferResponse& response);

}  // namespace mae
