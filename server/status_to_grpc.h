#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "recipe/recipe_check.h"

/// The one way from absl::Status to the wire, and the details (google.rpc) that a status can carry on it.
/// Details live as payloads of the status under their type URL ("type.googleapis.com/google.rpc.BadRequest").
/// Pure functions.
namespace mae {

/// Code, message and google.rpc details; other payloads stay inside the server. What a client could not take
/// is left out: a message ends after 1.5 KiB, and bytes that are no UTF-8 are replaced.
grpc::Status ToGrpc(const absl::Status& status);

/// The same as a message, for a job's `error`.
google::rpc::Status ToRpcStatus(const absl::Status& status);

/// Adds BadRequest details. `status` must not be OK; violations that it already has stay, and
/// those beyond 2.5 KiB are left out.
absl::Status WithFieldViolations(absl::Status status, const std::vector<FieldViolation>& violations);

/// INVALID_ARGUMENT "field: description", with the violation as details.
absl::Status InvalidField(const std::string& field, const std::string& description);

/// The same code and details with other words.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

/// Adds RetryInfo: when a retry may help. `status` must not be OK.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

}  // namespace mae
