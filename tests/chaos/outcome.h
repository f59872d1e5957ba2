#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "tests/chaos/journal.h"

namespace mae {

/// What a caller knows after an answer: done and not to be lost, refused and without effect, or neither.
enum class Outcome { kDone, kRefused, kUnknown };

/// Notes the answer; one that no fault explains (UNKNOWN, or none until the deadline) is a broken promise.
inline Outcome OutcomeOf(const grpc::Status& status, const std::string& what, Journal& journal) {
  journal.Did(what + ": " +
              (status.ok() ? "OK" : std::to_string(status.error_code()) + " " + status.error_message()));
  if (status.ok()) return Outcome::kDone;
  // The server's words: its deadlines go by a clock that can step while a request waits.
  const bool stepped_over = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
                            journal.clock_has_stepped && status.error_message().starts_with("the deadline");
  if (stepped_over) return Outcome::kUnknown;
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ALREADY_EXISTS:
      return Outcome::kRefused;
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::UNIMPLEMENTED:
      // Without address space a server may have no thread for a call, and gRPC tells a handler that could not
      // be made as UNIMPLEMENTED.
      if (journal.server_lacks_memory) return Outcome::kUnknown;
      journal.Check(false, what + " was answered with code " + std::to_string(status.error_code()) + ": " +
                               status.error_message());
      return Outcome::kUnknown;
    default:
      return Outcome::kUnknown;
  }
}

}  // namespace mae
