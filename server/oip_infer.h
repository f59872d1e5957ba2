#pragma once

#include "absl/status/status.h"
#include "inference/grpc_service.pb.h"
#include "server/model_requests.h"

namespace mae {

/// Priorities that a request may have, 1 the first to be served; 0 or none is the default.
inline constexpr int64_t kOipPriorityLevels = 10, kOipDefaultPriority = 5;

/// Whether a ModelInfer is let in, before anything of its tensors is read (ModelRequests::Admit). One that
/// goes before others is not refused for what those take. Never blocks. Thread-safe.
absl::StatusOr<Admission::Ticket> AdmitModelInfer(ModelRequests& requests, const RequestContext& caller,
                                                  const inference::ModelInferRequest& request);

/// Answers one ModelInfer, of a stream too; blocks for it. Thread-safe.
absl::Status AnswerModelInfer(ModelRequests& requests, const RequestContext& caller,
                              const inference::ModelInferRequest& request,
                              inference::ModelInferResponse& response);

}  // namespace mae
